//! What a command reads, brought to it piece by piece.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use towline_core::command::Stdin;

use crate::{error::RemoteError, host::ProcessInput};

/// How much of a file is read at once.
const CHUNK: usize = 256 * 1024;

/// What is to be brought.
pub(super) enum Feed {
    Nothing,
    Bytes(Bytes),
    Read(Box<dyn AsyncRead + Send + Unpin>),
}

impl Feed {
    /// Opens what there is to open, so that a missing file is noticed before anything runs.
    pub(super) async fn open(
        stdin: &Stdin,
        stream: Option<Box<dyn AsyncRead + Send + Unpin>>,
    ) -> Result<Self, RemoteError> {
        match stdin {
            Stdin::Null => Ok(Self::Nothing),
            Stdin::Stream => Ok(stream.map_or(Self::Nothing, Self::Read)),
            Stdin::Bytes(bytes) => Ok(Self::Bytes(bytes.clone())),
            Stdin::File(path) => match tokio::fs::File::open(path).await {
                Ok(file) => Ok(Self::Read(Box::new(file))),
                Err(source) => Err(RemoteError::Local {
                    what: format!("opening {}", path.display()),
                    source,
                }),
            },
        }
    }

    /// Brings all of it and ends the input.
    pub(super) async fn all(self, input: &mut dyn ProcessInput) -> Result<(), RemoteError> {
        match self {
            Self::Nothing => {}
            Self::Bytes(bytes) => input.write(bytes).await?,
            Self::Read(mut read) => loop {
                let mut buffer = BytesMut::with_capacity(CHUNK);
                let read =
                    read.read_buf(&mut buffer)
                        .await
                        .map_err(|source| RemoteError::Local {
                            what: "reading standard input".to_owned(),
                            source,
                        })?;
                if read == 0 {
                    break;
                }
                input.write(buffer.freeze()).await?;
            },
        }
        input.end().await
    }
}
