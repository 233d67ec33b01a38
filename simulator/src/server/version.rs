//! Which version serves a call.
//!
//! Meta's page: "Versioning" guide (developers.facebook.com/docs/graph-api/guides/versioning). What an unknown version
//! gets was measured: one ahead of the latest is served by the oldest, anything further is no version at all.

use crate::error::{GraphError, Outcome};
use crate::world::World;

/// The name of the version that serves a call, and its major number.
pub(super) fn serving<'w>(
    world: &'w World,
    asked: Option<&str>,
    path: impl FnOnce() -> String,
) -> Outcome<(&'w str, u32)> {
    let versions = world.versions();
    let oldest = versions.first().copied().unwrap_or("v25.0");
    let latest = versions.last().map_or(25, |version| major(version));
    let default_version = world.spec().app.default_version.as_deref();
    let Some(asked) = asked.or(default_version) else {
        return Ok((oldest, major(oldest)));
    };
    if let Some(served) = versions.iter().find(|version| **version == asked) {
        return Ok((served, major(served)));
    }
    if major(asked) > latest + 1 {
        return Err(GraphError::unknown_path(path().trim_start_matches('/')));
    }
    Ok((oldest, major(oldest)))
}

fn major(version: &str) -> u32 {
    let digits = version.trim_start_matches('v').split('.').next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::WorldSpec;

    #[test]
    fn an_expired_or_mistyped_version_is_served_by_another_one() {
        let world = World::new(WorldSpec::default());
        let served =
            |asked| serving(&world, asked, || "/me".to_owned()).map(|(name, _)| name.to_owned());
        assert_eq!(served(Some("v25.0")).unwrap(), "v25.0");
        assert_eq!(served(Some("v18.0")).unwrap(), "v21.0");
        assert_eq!(served(Some("v27.0")).unwrap(), "v21.0");
        assert_eq!(served(None).unwrap(), "v21.0");
        assert_eq!(
            served(Some("v99.0")).unwrap_err().message,
            "Unknown path components: /me"
        );
    }
}
