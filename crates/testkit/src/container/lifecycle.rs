//! The way up and the way down, step by step.

use std::fs;
use std::time::Instant;

use super::bed::{Bed, BedOptions, Removed};
use super::daemon;
use super::docker::{Container, Docker};
use super::error::BedError;
use super::image::{self, Image, Origin};
use super::layout::{self, Files};
use super::login::{self, Login};
use super::network;
use super::node::{self, BedNode};
use super::ready;
use super::state::{Progress, State, Step};

/// Makes everything that is missing of a bed and tells of each step.
pub(super) fn bring_up(
    options: &BedOptions,
    files: &Files,
    progress: &mut dyn FnMut(Progress),
) -> Result<Bed, BedError> {
    let mut begun = Instant::now();
    let mut done = |step| {
        progress(Progress {
            step,
            took: begun.elapsed(),
        });
        begun = Instant::now();
    };
    let login = login::ensure(files)?;
    let (docker, started) = daemon::ensure(files)?;
    done(Step::Engine { started });

    let present = docker.containers()?;
    let has = present.iter().find_map(|found| Image::of_tag(&found.image));
    let image = options.image.or(has).unwrap_or(Image::Small);
    let built = if docker.has_image(&image.tag())? {
        false
    } else {
        image::build(image, files, options.mirror.as_deref())?
    };
    done(Step::ImageArchive { built });
    let origin = image::load(image, &docker, files)?;
    done(Step::ImageLoaded {
        imported: origin == Origin::Archive,
    });
    done(Step::Network {
        made: network::ensure(&docker)?,
    });

    let wanted = options.count.max(present.len());
    let (nodes, started) = start_nodes(&docker, image, wanted, &present, &login)?;
    done(Step::NodesStarted {
        started,
        of: nodes.len(),
    });
    let host_keys = for_all(&nodes, |node| {
        ready::wait(&docker, node)?;
        node::host_keys(&docker, &node.container)
    })?;
    done(Step::NodesReady { of: nodes.len() });

    if origin == Origin::Archive {
        image::forget_older(image, &docker, files)?;
    }
    login::write_client_files(files, &nodes, &host_keys)?;
    let state = State {
        engine_socket: docker.socket().to_owned(),
        image,
        nodes,
    };
    state.write(&files.state())?;
    Ok(Bed {
        docker,
        files: files.clone(),
        state,
        login,
    })
}

/// Makes `wanted` nodes run, all at once; with how many had to be started.
fn start_nodes(
    docker: &Docker,
    image: Image,
    wanted: usize,
    present: &[Container],
    login: &Login,
) -> Result<(Vec<BedNode>, usize), BedError> {
    let indices: Vec<usize> = (1..=wanted).collect();
    let nodes = for_all(&indices, |index| {
        let name = layout::node_name(*index);
        let address = layout::node_address(*index);
        let container = layout::container_name(&name);
        let found = present.iter().find(|found| found.name == container);
        let (id, started) = match found {
            Some(found) if found.image == image.tag() && found.running => (found.id.clone(), false),
            Some(found) if found.image == image.tag() => {
                docker.call().args(["start", &found.id]).run()?;
                (found.id.clone(), true)
            }
            // Of another image, or of another recipe.
            Some(found) => {
                docker
                    .call()
                    .args(["rm", "--force", "--volumes", &found.id])
                    .run()?;
                (node::create(docker, image, &name, address)?, true)
            }
            None => (node::create(docker, image, &name, address)?, true),
        };
        node::prepare(docker, &id, login)?;
        Ok((
            BedNode {
                name,
                address,
                container: id,
            },
            started,
        ))
    })?;
    let started = nodes.iter().filter(|(_, started)| *started).count();
    Ok((nodes.into_iter().map(|(node, _)| node).collect(), started))
}

/// Takes everything away that [`bring_up`] makes but the cache.
pub(super) fn take_down(files: &Files) -> Result<Removed, BedError> {
    let mut removed = Removed::default();
    daemon::revive(files)?;
    for docker in daemon::answering()? {
        let containers = docker.containers()?;
        removed.nodes += containers.len();
        if !containers.is_empty() {
            docker
                .call()
                .args(["rm", "--force", "--volumes"])
                .args(containers.iter().map(|found| &found.id))
                .run()?;
        }
        network::remove(&docker)?;
    }
    network::remove_route()?;
    removed.engine = daemon::stop(files)?;
    for path in [
        files.state(),
        files.inventory(),
        files.ssh_config(),
        files.known_hosts(),
    ] {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(BedError::File { path, source });
            }
            _ => {}
        }
    }
    Ok(removed)
}

/// The same for every item, at once; the first error, if any, when all are done.
fn for_all<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, BedError> + Sync,
) -> Result<Vec<R>, BedError> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = items
            .iter()
            .map(|item| scope.spawn(|| work(item)))
            .collect();
        let ends: Vec<_> = threads
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        ends.into_iter()
            .map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
