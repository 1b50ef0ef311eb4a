//! What is shown of a run while it goes on, and after it.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Stdout, Write},
    path::{Path, PathBuf},
};

use towline_core::{
    event::{Envelope, Event, NodeResult, Report, Stream},
    id::NodeId,
};

use crate::{
    args::Format,
    context::Context,
    exit::misuse,
    render::{
        Style, diff::diff, fold::fold, gather::Gather, prefix::Live, progress::Progress,
        summary::summary,
    },
    terminal::Terminal,
};

/// Flags for what is shown.
#[derive(clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ShowArgs {
    /// Fold identical output: once for all nodes that wrote and returned the same
    #[arg(short = 'b', long = "fold", alias = "dshbak")]
    fold: bool,
    /// Fold, and show how the others differ from the majority
    #[arg(long)]
    diff: bool,
    /// No node names before the lines
    #[arg(short = 'N', long)]
    no_prefix: bool,
    /// Write what each node writes to files of its own: NODE.out and NODE.err
    #[arg(long, value_name = "FOLDER")]
    outdir: Option<PathBuf>,
}

impl ShowArgs {
    /// Files that are open for a node while it is worked on.
    pub(super) fn descriptors(&self) -> usize {
        if self.outdir.is_some() { 2 } else { 0 }
    }
}

/// Shows a run.
pub(crate) struct Show {
    form: Form,
    files: Option<Files>,
    out: io::BufWriter<Stdout>,
    styles: [Style; 2],
    results: Vec<NodeResult>,
    progress: Option<Progress>,
    terminal: Terminal,
}

enum Form {
    Json,
    Live(Live),
    Gathered {
        gather: Box<Gather>,
        diff: bool,
    },
    /// Only the files and the summary.
    Quiet,
}

impl Show {
    /// As the flags say.
    ///
    /// # Errors
    /// When the folder for files can not be made.
    pub(crate) fn new(args: &ShowArgs, format: Format, context: &Context) -> anyhow::Result<Self> {
        let mut styles = context.terminal.styles();
        if format == Format::Plain {
            for style in &mut styles {
                style.color = false;
            }
        }
        let form = match format {
            Format::Json => Form::Json,
            _ if args.fold || args.diff => {
                let gather = Box::new(Gather::new(context.environment.spool()));
                Form::Gathered {
                    gather,
                    diff: args.diff,
                }
            }
            _ if args.outdir.is_some() => Form::Quiet,
            _ => Form::Live(Live::new(styles[0], styles[1], !args.no_prefix)),
        };
        let files = match &args.outdir {
            Some(folder) => Some(Files::new(folder).map_err(|error| {
                misuse(format!("--outdir {}: {error}", folder.display()), None)
            })?),
            None => None,
        };
        let out = io::BufWriter::new(io::stdout());
        Ok(Self {
            form,
            files,
            out,
            results: Vec::new(),
            progress: (format == Format::Auto && context.terminal.can_erase())
                .then(|| Progress::new(styles[1])),
            styles,
            terminal: context.terminal,
        })
    }

    /// Whether it is shown how far the run is, so that [`Show::tick`] is to be called.
    pub(crate) fn has_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// Shows how far the run is.
    pub(crate) fn tick(&mut self) -> io::Result<()> {
        match &mut self.progress {
            Some(progress) => progress.tick(&mut io::stderr().lock()),
            None => Ok(()),
        }
    }

    /// Tells the user something that stops nothing.
    pub(crate) fn warn(&mut self, message: &str) -> io::Result<()> {
        self.out.flush()?;
        self.erase_progress()?;
        self.terminal.warn(message);
        Ok(())
    }

    fn erase_progress(&mut self) -> io::Result<()> {
        match &mut self.progress {
            Some(progress) => progress.erase(&mut io::stderr().lock()),
            None => Ok(()),
        }
    }

    /// Shows what happened.
    pub(crate) fn event(&mut self, envelope: &Envelope) -> io::Result<()> {
        if let Some(progress) = &mut self.progress {
            progress.event(&envelope.event);
            let writes = matches!(self.form, Form::Live(_))
                && matches!(
                    envelope.event,
                    Event::Output { .. } | Event::NodeFinished(_)
                );
            if writes {
                progress.erase(&mut io::stderr().lock())?;
            }
        }
        match &envelope.event {
            Event::Output { node, stream, data } => {
                if let Some(files) = &mut self.files {
                    files.take(node, *stream, &data.0)?;
                }
                match &mut self.form {
                    Form::Gathered { gather, .. } => gather.take(node, *stream, &data.0)?,
                    Form::Live(live) => match stream {
                        Stream::Stdout => live.take(node, *stream, &data.0, &mut self.out)?,
                        Stream::Stderr => {
                            // What came before on the other stream is seen before.
                            self.out.flush()?;
                            live.take(node, *stream, &data.0, &mut io::stderr().lock())?;
                        }
                    },
                    Form::Json | Form::Quiet => {}
                }
            }
            Event::NodeFinished(result) => {
                if let Some(files) = &mut self.files {
                    files.finish(&result.node)?;
                }
                match &mut self.form {
                    Form::Gathered { gather, .. } => gather.finish(result),
                    Form::Live(live) => {
                        live.finish(&result.node, &mut self.out, &mut io::stderr().lock())?;
                    }
                    Form::Json | Form::Quiet => {}
                }
                self.results.push(result.clone());
            }
            _ => {}
        }
        if matches!(self.form, Form::Json) {
            self.line(envelope)?;
        }
        Ok(())
    }

    /// To be called when nothing else is about to happen at once: what was shown is seen.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        match &mut self.progress {
            Some(progress) => progress.show(&mut io::stderr().lock()),
            None => Ok(()),
        }
    }

    /// Shows how it ended.
    pub(crate) fn finish(mut self, seq: u64, report: &Report) -> io::Result<()> {
        self.erase_progress()?;
        match self.form {
            Form::Json => self.line(&Envelope {
                seq,
                event: Event::Report(report.clone()),
            })?,
            Form::Gathered {
                gather,
                diff: with_diff,
            } => {
                let gathered = gather.gathered();
                if with_diff {
                    diff(&gathered, self.styles[0], &mut self.out)?;
                } else {
                    fold(&gathered, self.styles[0], &mut self.out)?;
                }
                self.out.flush()?;
                // What went wrong stands in the blocks already.
                summary(report, [], self.styles[1], &mut io::stderr().lock())?;
                return Ok(());
            }
            Form::Live(_) | Form::Quiet => {
                self.out.flush()?;
                if let (Form::Quiet, Some(files)) = (&self.form, &self.files) {
                    let folder = files.folder.display();
                    writeln!(io::stderr(), "written to {folder}: NODE.out and NODE.err")?;
                }
                let quiet = report.success && report.nodes == 1;
                if !quiet {
                    summary(
                        report,
                        &self.results,
                        self.styles[1],
                        &mut io::stderr().lock(),
                    )?;
                }
            }
        }
        self.out.flush()
    }

    fn line(&mut self, envelope: &Envelope) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, envelope)?;
        self.out.write_all(b"\n")
    }
}

/// A file for each stream of each node.
struct Files {
    folder: PathBuf,
    open: HashMap<NodeId, [File; 2]>,
}

impl Files {
    fn new(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            open: HashMap::new(),
        })
    }

    fn of(&mut self, node: &NodeId) -> io::Result<&mut [File; 2]> {
        if !self.open.contains_key(node) {
            let file = |end: &str| File::create(self.folder.join([node.as_str(), end].concat()));
            self.open
                .insert(node.clone(), [file(".out")?, file(".err")?]);
        }
        self.open
            .get_mut(node)
            .ok_or_else(|| io::Error::other("a file was lost"))
    }

    fn take(&mut self, node: &NodeId, stream: Stream, data: &[u8]) -> io::Result<()> {
        let [out, err] = self.of(node)?;
        match stream {
            Stream::Stdout => out.write_all(data),
            Stream::Stderr => err.write_all(data),
        }
    }

    /// Its files are there even when it wrote nothing.
    fn finish(&mut self, node: &NodeId) -> io::Result<()> {
        self.of(node)?;
        self.open.remove(node);
        Ok(())
    }
}
