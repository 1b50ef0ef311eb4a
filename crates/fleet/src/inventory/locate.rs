//! Which `towline.yaml` is meant.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::InventoryError;

/// The names looked for in a folder, the first one first.
const NAMES: [&str; 2] = ["towline.yaml", "towline.yml"];

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The working directory, absolute: the search goes upward from it.
    pub start: &'a Path,
    /// What was asked for on the command line, a file or its folder.
    pub explicit: Option<&'a Path>,
    /// The value of `$TOWLINE_CONFIG`, a file or its folder.
    pub env: Option<&'a Path>,
    /// The value of `$XDG_CONFIG_HOME`. Default: `.config` in `home`.
    pub xdg_config_home: Option<&'a Path>,
    /// The user's home.
    pub home: Option<&'a Path>,
    /// Whose files are trusted when they are come across: the user, and the one who called sudo.
    /// Root always is.
    pub users: &'a [u32],
}

/// A file that was found, and why it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was asked for by name.
    Named(PathBuf),
    /// It stands in the working directory or above it.
    Upward(PathBuf),
    /// It stands in the user's configuration.
    Home(PathBuf),
}

impl Found {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Upward(path) | Self::Home(path) => path,
        }
    }
}

/// Finds the file: what was asked for, then `$TOWLINE_CONFIG`, then upward from the working
/// directory, then in the user's configuration.
///
/// A file that is come across upward can name programs to run, so it must not be one that another
/// user could have put there.
///
/// # Errors
///
/// When the file asked for by name is not there, and when the first one come across could have
/// been written by another user.
pub fn find_config(look: Look<'_>) -> Result<Option<Found>, InventoryError> {
    if let Some(path) = look
        .explicit
        .or(look.env.filter(|p| !p.as_os_str().is_empty()))
    {
        return named(&look.start.join(path)).map(Some);
    }
    for folder in look.start.ancestors() {
        if let Some((path, file)) = first_in(folder) {
            check(look.users, folder, &path, &file)?;
            return Ok(Some(Found::Upward(path)));
        }
    }
    // A relative $XDG_CONFIG_HOME is to be ignored, says its specification.
    let config = (look.xdg_config_home.filter(|path| path.is_absolute()))
        .map(Path::to_owned)
        .or_else(|| look.home.map(|home| home.join(".config")));
    Ok(config
        .and_then(|folder| first_in(&folder.join("towline")))
        .map(|(path, _)| Found::Home(path)))
}

fn named(path: &Path) -> Result<Found, InventoryError> {
    let missing = |path: &Path| InventoryError::Missing {
        path: path.to_owned(),
    };
    match std::fs::metadata(path) {
        Ok(data) if data.is_dir() => match first_in(path) {
            Some((file, _)) => Ok(Found::Named(file)),
            None => Err(missing(&path.join(NAMES[0]))),
        },
        Ok(_) => Ok(Found::Named(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(path)),
        Err(source) => Err(InventoryError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

fn first_in(folder: &Path) -> Option<(PathBuf, Metadata)> {
    NAMES.iter().find_map(|name| {
        let path = folder.join(name);
        let data = std::fs::metadata(&path).ok()?;
        data.is_file().then_some((path, data))
    })
}

/// Refuses a file, or a link to one, that somebody else put there or may change.
fn check(users: &[u32], folder: &Path, path: &Path, file: &Metadata) -> Result<(), InventoryError> {
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    let trusted = |uid| uid == 0 || users.contains(&uid);
    let refuse = |reason| {
        Err(InventoryError::Untrusted {
            path: path.to_owned(),
            reason,
        })
    };
    let unreadable = |source| InventoryError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let link = std::fs::symlink_metadata(path).map_err(unreadable)?;
    let folder = std::fs::metadata(folder).map_err(unreadable)?;
    let owners = [file.uid(), link.uid()];
    if let Some(owner) = owners.into_iter().find(|&uid| !trusted(uid)) {
        return refuse(format!("it belongs to another user (uid {owner})"));
    }
    if file.mode() & OTHERS_WRITE != 0 {
        return refuse("everyone may write to it".to_owned());
    }
    if folder.mode() & OTHERS_WRITE != 0 && folder.mode() & STICKY == 0 {
        return refuse("everyone may put another file in its place".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    struct Place {
        root: tempfile::TempDir,
        users: Vec<u32>,
    }

    impl Place {
        fn new() -> Self {
            Self {
                root: tempfile::tempdir().unwrap(),
                users: vec![rustix::process::geteuid().as_raw()],
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn file(&self, name: &str) -> PathBuf {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "nodes: []\n").unwrap();
            path
        }

        fn folder(&self, name: &str) -> PathBuf {
            fs::create_dir_all(self.path(name)).unwrap();
            self.path(name)
        }

        fn look<'a>(&'a self, start: &'a Path) -> Look<'a> {
            Look {
                start,
                explicit: None,
                env: None,
                xdg_config_home: None,
                home: None,
                users: &self.users,
            }
        }
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_order_is_named_then_environment_then_upward_then_home() {
        let place = Place::new();
        let deep = place.folder("work/a/b");
        let upward = place.file("work/towline.yaml");
        let env = place.file("env.yaml");
        let named = place.file("work/a/b/mine.yaml");
        let home = place.file("home/.config/towline/towline.yml");
        let xdg = place.file("xdg/towline/towline.yaml");
        let elsewhere = place.folder("elsewhere");
        let home_folder = place.path("home");
        let xdg_folder = place.path("xdg");

        let mut look = Look {
            explicit: Some(Path::new("mine.yaml")),
            env: Some(&env),
            home: Some(&home_folder),
            ..place.look(&deep)
        };
        assert_eq!(find_config(look).unwrap(), Some(Found::Named(named)));
        look.explicit = None;
        assert_eq!(find_config(look).unwrap(), Some(Found::Named(env.clone())));
        look.env = Some(Path::new(""));
        assert_eq!(find_config(look).unwrap(), Some(Found::Upward(upward)));
        look.start = &elsewhere;
        assert_eq!(find_config(look).unwrap(), Some(Found::Home(home.clone())));
        look.xdg_config_home = Some(&xdg_folder);
        assert_eq!(find_config(look).unwrap(), Some(Found::Home(xdg)));
        look.xdg_config_home = Some(Path::new("relative"));
        assert_eq!(find_config(look).unwrap(), Some(Found::Home(home)));
        look.home = None;
        assert_eq!(find_config(look).unwrap(), None);
    }

    #[test]
    fn a_folder_means_the_file_in_it() {
        let place = Place::new();
        let file = place.file("fleet/towline.yaml");
        let folder = place.path("fleet");
        let look = Look {
            explicit: Some(&folder),
            ..place.look(Path::new("/"))
        };
        assert_eq!(find_config(look).unwrap(), Some(Found::Named(file)));
    }

    #[test]
    fn what_is_named_and_not_there_is_an_error() {
        let place = Place::new();
        place.file("towline.yaml");
        let empty = place.folder("empty");
        for (name, missing) in [
            (place.path("gone.yaml"), place.path("gone.yaml")),
            (empty.clone(), empty.join("towline.yaml")),
        ] {
            let look = Look {
                explicit: Some(&name),
                ..place.look(place.root.path())
            };
            match find_config(look) {
                Err(InventoryError::Missing { path }) => assert_eq!(path, missing),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_folder_of_that_name_is_passed_by() {
        let place = Place::new();
        let file = place.file("towline.yaml");
        place.folder("a/towline.yaml");
        let start = place.path("a");
        let found = find_config(place.look(&start)).unwrap();
        assert_eq!(found, Some(Found::Upward(file)));
    }

    #[test]
    fn a_file_that_others_could_have_written_is_refused_unless_it_is_named() {
        let place = Place::new();
        let file = place.file("shared/towline.yaml");
        let start = place.path("shared");
        let refusal = |place: &Place| match find_config(place.look(&start)) {
            Err(error @ InventoryError::Untrusted { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        };
        mode(&file, 0o666);
        assert!(refusal(&place).contains("everyone may write"));
        mode(&file, 0o644);
        mode(&start, 0o777);
        assert!(refusal(&place).contains("in its place"));
        mode(&start, 0o1777);
        assert!(find_config(place.look(&start)).unwrap().is_some());

        // Naming it is trusting it.
        mode(&start, 0o755);
        mode(&file, 0o666);
        let named = Look {
            explicit: Some(&file),
            ..place.look(&start)
        };
        assert!(find_config(named).unwrap().is_some());
    }

    /// Only root can make a file that belongs to somebody else, and so show this.
    #[test]
    fn a_file_of_another_user_is_refused() {
        let place = Place::new();
        let file = place.file("towline.yaml");
        if !rustix::process::geteuid().is_root() {
            // For an ordinary user the same is shown by not being on the list.
            let nobody = Look {
                users: &[],
                ..place.look(place.root.path())
            };
            assert!(matches!(
                find_config(nobody),
                Err(InventoryError::Untrusted { .. })
            ));
            return;
        }
        std::os::unix::fs::chown(&file, Some(4242), None).unwrap();
        match find_config(place.look(place.root.path())) {
            Err(error @ InventoryError::Untrusted { .. }) => {
                assert!(error.to_string().contains("uid 4242"), "{error}");
                assert!(error.hint().unwrap().contains("--config"));
            }
            other => panic!("{other:?}"),
        }
        let sudo = Look {
            users: &[0, 4242],
            ..place.look(place.root.path())
        };
        assert!(find_config(sudo).unwrap().is_some());
    }
}
