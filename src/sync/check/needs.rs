//! What a resource of an account lacks: permissions of the token, tasks on the Page, accounts that the token was not given. Pure.
//!
//! The tables are those of Meta's "Overview" of the Instagram API with Facebook Login and of the Instagram Platform.

use super::{CredentialCheck, ResourceCheck};
use crate::resource::{RESOURCES, Resource};
use crate::store::Around;
use crate::sync::Selection;
use crate::sync::job::{Account, Route};

/// A permission that not every task on a Page carries.
struct Carried {
    permission: &'static str,
    /// The tasks that do, besides those that carry everything.
    tasks: &'static [&'static str],
    /// The same on a Page of the New Pages Experience.
    new_tasks: &'static [&'static str],
    /// What its access settings call that.
    access: &'static str,
}

/// Permissions that are not here go with every task.
const CARRIED: [Carried; 4] = [
    Carried {
        permission: "instagram_content_publish",
        tasks: &["CREATE_CONTENT"],
        new_tasks: &["PROFILE_PLUS_CREATE_CONTENT"],
        access: "Content",
    },
    Carried {
        permission: "instagram_manage_comments",
        tasks: &["MODERATE", "CREATE_CONTENT"],
        new_tasks: &["PROFILE_PLUS_MODERATE"],
        access: "Messages & Community Activity",
    },
    Carried {
        permission: "instagram_manage_insights",
        tasks: &["ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT"],
        new_tasks: &["PROFILE_PLUS_ANALYZE"],
        access: "Insights",
    },
    Carried {
        permission: "instagram_manage_messages",
        tasks: &["MESSAGING"],
        new_tasks: &["PROFILE_PLUS_MESSAGING"],
        access: "Messages & Community Activity",
    },
];

/// Tasks of those who may do everything on a Page.
const EVERYTHING: [&str; 2] = ["MANAGE", "PROFILE_PLUS_FULL_CONTROL"];

/// What a resource needs of which no call tells.
struct Untold {
    resource: &'static str,
    /// As a cause of a refusal.
    cause: &'static str,
    /// Whose it is to be.
    need: &'static str,
    /// Where to look.
    place: &'static str,
}

/// A feature that Meta grants to an app after a review, and a role in a business ("IG Media Product Tags" reference).
const UNTOLD: [Untold; 2] = [
    Untold {
        resource: "hashtags",
        cause: "the app's feature Instagram Public Content Access",
        need: "the app needs the feature Instagram Public Content Access",
        place: "App Review in the app dashboard",
    },
    Untold {
        resource: "product_tags",
        cause: "the role of an admin, for the token's user, in the business that owns the account's shop",
        need: "the token's user needs to be an admin of the business that owns the account's shop",
        place: "the people in that business's settings",
    },
];

/// Permissions one of which a token needs in addition where its user's role on the Page comes from a business. No call tells where
/// a role comes from.
const OF_BUSINESS_ROLES: [&str; 2] = ["ads_management", "ads_read"];

/// Each resource that is meant, of an account.
pub(super) fn resources(
    account: &Account,
    selection: &Selection,
    checks: &[CredentialCheck],
    around: &Around,
) -> Vec<ResourceCheck> {
    let used = &account.routes[0];
    let meant = |resource: &&Resource| selection.wants(resource);
    let Some(credential) = checks
        .iter()
        .find(|check| check.name == used.credential.name())
    else {
        return Vec::new();
    };
    let check = |resource: &Resource| {
        let mut missing = missing(resource, &account.id, used, credential);
        if missing.is_empty() {
            missing.extend(refused(resource, &account.id, credential, around));
        }
        ResourceCheck {
            resource: resource.name,
            missing,
            told: credential.granted.is_some(),
            untold: untold(resource)
                .map(|one| format!("{}, of which no call tells: see {}", one.need, one.place)),
        }
    };
    RESOURCES.iter().copied().filter(meant).map(check).collect()
}

fn missing(
    resource: &Resource,
    account_id: &str,
    used: &Route,
    credential: &CredentialCheck,
) -> Vec<String> {
    let mut missing = Vec::new();
    // Every task carries instagram_basic, so without one nothing can be read.
    if used.tasks.is_empty() {
        missing.push(
            "a task on the Page: give the token's user one in the Page's access settings"
                .to_owned(),
        );
    }
    for permission in resource.permissions {
        let lack = ungranted(permission, credential)
            .or_else(|| ungiven(permission, account_id, used, credential))
            .or_else(|| uncarried(permission, used));
        missing.extend(lack);
    }
    missing
}

/// A permission that the token does not have.
fn ungranted(permission: &str, credential: &CredentialCheck) -> Option<String> {
    let granted = credential.granted.as_ref()?;
    if granted.contains(permission) {
        return None;
    }
    let state = credential.withheld.get(permission).map(String::as_str);
    Some(match state {
        Some("declined") => format!(
            "permission {permission}: it was declined; let the token's user log in to the app again and allow it"
        ),
        Some("expired") => format!(
            "permission {permission}: it has expired, as it was not used for 90 days; let the token's user log in to the app again"
        ),
        _ => format!(
            "permission {permission}: grant it when the token is made (Facebook Login, or the system user's token)"
        ),
    })
}

/// A permission that the token has for other accounts.
fn ungiven(
    permission: &str,
    account_id: &str,
    used: &Route,
    credential: &CredentialCheck,
) -> Option<String> {
    let targets = credential.restricted.get(permission)?;
    // Those of other permissions are businesses and catalogs.
    let tells = permission.starts_with("instagram_") || permission.starts_with("pages_");
    let given = targets
        .iter()
        .any(|target| *target == account_id || *target == used.page_id);
    (tells && !given).then(|| {
        format!(
            "permission {permission} for this account: the token has it for others; choose this account and its Page when logging in, \
             or assign them to the system user in the business settings"
        )
    })
}

/// A permission that no task of the token's user on the Page carries.
fn uncarried(permission: &str, used: &Route) -> Option<String> {
    let carried = CARRIED.iter().find(|one| one.permission == permission)?;
    let carries = |task: &String| {
        let task = task.as_str();
        EVERYTHING.contains(&task)
            || carried.tasks.contains(&task)
            || carried.new_tasks.contains(&task)
    };
    if used.tasks.is_empty() || used.tasks.iter().any(carries) {
        return None;
    }
    let is_new = used.is_new_page.unwrap_or(false)
        || used
            .tasks
            .iter()
            .any(|task| task.starts_with("PROFILE_PLUS_"));
    let page = used.page_name.as_deref().unwrap_or(&used.page_id);
    Some(if is_new {
        format!(
            "the task {} on the Page {page}, which carries {permission}: in the Page's access settings, give the token's user task access \
             to {}, or Facebook access",
            carried.new_tasks.join(" or "),
            carried.access
        )
    } else {
        format!(
            "the task {} on the Page {page}, which carry {permission}: give it to the token's user in the Page's role settings, or where \
             the business assigns people to the Page",
            carried.tasks.join(" or ")
        )
    })
}

/// What Meta refused though nothing seems to be missing: then it is one of the things of which no call tells.
fn refused(
    resource: &Resource,
    account_id: &str,
    credential: &CredentialCheck,
    around: &Around,
) -> Option<String> {
    let refusal = around
        .refusals
        .iter()
        .find(|refusal| refusal.account_id == account_id && refusal.resource == resource.name)?;
    let granted = credential.granted.as_ref();
    let has_role =
        granted.is_some_and(|granted| OF_BUSINESS_ROLES.iter().any(|one| granted.contains(*one)));
    let mut causes = Vec::new();
    if !has_role {
        causes.push(format!(
            "permission {} if the user's role on the Page comes from a business",
            OF_BUSINESS_ROLES.join(" or ")
        ));
    }
    causes.extend(untold(resource).map(|one| one.cause.to_owned()));
    causes.push("advanced access of the app to these permissions (App Review), if the account belongs to others".to_owned());
    Some(format!(
        "something that no call tells of; most likely {}. At {} Meta said: {}; the next run tries again",
        causes.join(", or "),
        crate::clock::instant_text(refusal.at),
        refusal.detail
    ))
}

fn untold(resource: &Resource) -> Option<&'static Untold> {
    UNTOLD.iter().find(|one| one.resource == resource.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::graph::Credential;
    use crate::resource;
    use crate::store::Refused;

    fn route(tasks: &[&str]) -> Route {
        Route {
            credential: Arc::new(Credential::new("main", "EAAtoken", None).unwrap()),
            page_id: "134".to_owned(),
            page_name: Some("A Page".to_owned()),
            tasks: tasks.iter().map(|task| (*task).to_owned()).collect(),
            is_new_page: None,
            page_credential: None,
        }
    }

    fn credential(restricted: &[(&str, &[&str])]) -> CredentialCheck {
        let granted = RESOURCES.iter().flat_map(|resource| resource.permissions);
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let restricted = restricted
            .iter()
            .map(|(scope, targets)| ((*scope).to_owned(), ids(targets)));
        CredentialCheck {
            row: None,
            name: "main".to_owned(),
            granted: Some(granted.map(|one| (*one).to_owned()).collect()),
            withheld: BTreeMap::new(),
            restricted: restricted.collect(),
        }
    }

    fn lacks(restricted: &[(&str, &[&str])]) -> Vec<String> {
        let account = resource::find("account").unwrap();
        missing(
            account,
            "1784",
            &route(&["MANAGE"]),
            &credential(restricted),
        )
    }

    #[test]
    fn permissions_that_hold_for_other_accounts_only_are_missing_for_this_one() {
        assert_eq!(
            lacks(&[
                ("instagram_basic", &["1784"]),
                ("pages_read_engagement", &["134"])
            ]),
            [""; 0]
        );
        // Businesses are named where a permission is about them.
        assert_eq!(lacks(&[("business_management", &["2119"])]), [""; 0]);
        let [one] = &lacks(&[("instagram_basic", &["1785"])])[..] else {
            panic!("not one thing");
        };
        assert!(
            one.starts_with(
                "permission instagram_basic for this account: the token has it for others"
            ),
            "{one}"
        );
    }

    #[test]
    fn a_role_in_the_business_that_owns_the_shop_is_named_before_and_after_a_refusal() {
        let account = Account {
            id: "1784".to_owned(),
            username: None,
            media_count: None,
            routes: vec![route(&["MANAGE"])],
        };
        let selection = Selection {
            resources: vec![resource::find("product_tags").unwrap()],
            ..Selection::default()
        };
        let check = |around: &Around| {
            let mut found = resources(&account, &selection, &[credential(&[])], around);
            found.remove(0)
        };
        let ready = check(&Around::default());
        assert_eq!(ready.missing, [""; 0]);
        assert_eq!(
            ready.untold.unwrap(),
            "the token's user needs to be an admin of the business that owns the account's shop, of which no call tells: see the people in \
             that business's settings"
        );
        let refused = check(&Around {
            refusals: vec![Refused {
                account_id: "1784".to_owned(),
                resource: "product_tags".to_owned(),
                at: chrono::DateTime::UNIX_EPOCH,
                detail: "(#10)".to_owned(),
            }],
            ..Around::default()
        });
        let role = "the role of an admin, for the token's user, in the business that owns the account's shop";
        assert!(refused.missing[0].contains(role), "{:?}", refused.missing);
    }

    #[test]
    fn without_a_task_nothing_can_be_read_and_one_line_says_so() {
        let insights = resource::find("account_insights").unwrap();
        let lacks = missing(insights, "1784", &route(&[]), &credential(&[]));
        assert_eq!(
            lacks,
            ["a task on the Page: give the token's user one in the Page's access settings"]
        );
    }
}
