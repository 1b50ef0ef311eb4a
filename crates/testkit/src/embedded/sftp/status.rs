//! Results in the words of the protocol.

use std::io;

use russh_sftp::protocol::{Status, StatusCode};
use russh_sftp::server::StatusReply;

pub(super) fn ok(id: u32) -> Status {
    Status {
        id,
        status_code: StatusCode::Ok,
        error_message: "Success".to_owned(),
        language_tag: "en".to_owned(),
    }
}

/// What version 3 has a code for, and the system's own words for the rest.
pub(super) fn failure(error: &io::Error) -> StatusReply {
    match error.kind() {
        io::ErrorKind::NotFound => StatusCode::NoSuchFile.into(),
        io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied.into(),
        io::ErrorKind::UnexpectedEof => StatusCode::Eof.into(),
        _ => StatusCode::Failure.with_message(error.to_string()),
    }
}
