//! Which user a server runs as: ourselves, unless we are root.

use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use crate::ServersError;

/// The user a server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunAs {
    /// The user we are.
    Ourselves,
    /// Another user, because we are root.
    User {
        /// Its user id.
        uid: u32,
        /// Its group id.
        gid: u32,
    },
}

impl RunAs {
    /// Ourselves, or when we are root the first of the users `names` that there is.
    pub(crate) fn first_of(names: &[&str]) -> Result<RunAs, ServersError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(RunAs::Ourselves);
        }
        let passwd = Path::new("/etc/passwd");
        let users = fs::read_to_string(passwd).map_err(ServersError::file("read", passwd))?;
        let found = names.iter().find_map(|name| user(&users, name));
        found.ok_or_else(|| ServersError::NoUser { names: names.join(" or ") })
    }

    /// The `setpriv` arguments that change to this user.
    pub(crate) fn setpriv_args(self) -> Vec<String> {
        match self {
            RunAs::Ourselves => Vec::new(),
            RunAs::User { uid, gid } => {
                vec![format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]
            }
        }
    }

    /// Gives `path` and all below it to this user; as ourselves, checks that it is ours.
    pub(crate) fn own(self, path: &Path) -> Result<(), ServersError> {
        let owner = fs::symlink_metadata(path).map_err(ServersError::file("look at", path))?.uid();
        match self {
            RunAs::Ourselves if owner == rustix::process::geteuid().as_raw() => Ok(()),
            RunAs::Ourselves => Err(ServersError::NotOwned { path: path.to_owned(), uid: owner }),
            RunAs::User { uid, .. } if owner == uid => Ok(()),
            // The top goes last, so that a run cut short is done again.
            RunAs::User { uid, gid } => give(path, uid, gid),
        }
    }
}

fn give(path: &Path, uid: u32, gid: u32) -> Result<(), ServersError> {
    if fs::symlink_metadata(path).map_err(ServersError::file("look at", path))?.is_dir() {
        for entry in fs::read_dir(path).map_err(ServersError::file("list", path))? {
            give(&entry.map_err(ServersError::file("list", path))?.path(), uid, gid)?;
        }
    }
    lchown(path, Some(uid), Some(gid)).map_err(ServersError::file("change the owner of", path))
}

fn user(passwd: &str, name: &str) -> Option<RunAs> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    (uid != 0).then_some(RunAs::User { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name_and_is_never_root() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:7::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        assert_eq!(user(passwd, "postgres"), Some(RunAs::User { uid: 101, gid: 104 }));
        assert_eq!(user(passwd, "root"), None);
        assert_eq!(user(passwd, "nobody"), None);
    }
}
