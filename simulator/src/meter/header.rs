//! Usage headers.
//!
//! Meta's page: "Rate Limits", sections on `X-App-Usage` and `X-Business-Use-Case-Usage`.

use std::fmt::Write;

use crate::rules::UsageHeader;
use crate::spec::TokenKind;
use crate::world::{Identity, TokenKey, World};

use super::{Gauges, Pool};

/// The headers of an answer that was metered against a pool.
pub(crate) fn usage_headers(
    world: &World,
    caller: &Identity<'_>,
    pool: &Pool,
    gauges: Gauges,
    app: impl FnOnce() -> Gauges,
) -> Vec<(&'static str, String)> {
    let rules = &world.spec().rules;
    let by_user = matches!(caller.key, TokenKey::User(_))
        && caller
            .spec()
            .is_some_and(|spec| spec.kind == TokenKind::User);
    let wanted = match pool {
        Pool::BucInstagram(_) if by_user => rules.user_token_header,
        Pool::BucInstagram(_) | Pool::BucPages(_) | Pool::BucMessenger(_) => {
            UsageHeader::BusinessUseCase
        }
        Pool::PlatformApp => rules.discovery_header,
        Pool::PlatformUser(_) => UsageHeader::App,
    };
    let mut headers = Vec::new();
    if wanted != UsageHeader::BusinessUseCase {
        headers.push(("x-app-usage", app_usage(app())));
    }
    if wanted != UsageHeader::App {
        headers.push((
            "x-business-use-case-usage",
            business_use_case_usage(world, pool, gauges),
        ));
    }
    headers
}

fn app_usage(gauges: Gauges) -> String {
    let Gauges {
        call_count,
        total_cputime,
        total_time,
        ..
    } = gauges;
    format!(
        r#"{{"call_count":{call_count},"total_cputime":{total_cputime},"total_time":{total_time}}}"#
    )
}

/// The owning business and the account (or page) both have an entry.
fn business_use_case_usage(world: &World, pool: &Pool, gauges: Gauges) -> String {
    let (kind, id, page) = match pool {
        Pool::BucInstagram(id) => {
            let account = world.account(id);
            (
                "instagram",
                id.as_str(),
                account.and_then(|account| world.page_of_account(account.index())),
            )
        }
        Pool::BucMessenger(id) => ("messenger", id.as_str(), world.page_with_id(id)),
        Pool::BucPages(id) => ("pages", id.as_str(), world.page_with_id(id)),
        Pool::PlatformApp | Pool::PlatformUser(_) => ("pages", world.spec().app.id.as_str(), None),
    };
    let Gauges {
        call_count,
        total_cputime,
        total_time,
        regain_minutes,
    } = gauges;
    let mut entry = String::with_capacity(128);
    // Writing to a string does not fail.
    let _ = write!(
        entry,
        r#"[{{"type":"{kind}","call_count":{call_count},"total_cputime":{total_cputime},"total_time":{total_time},"estimated_time_to_regain_access":{regain_minutes}}}]"#
    );
    let business = page.and_then(|page| world.page(page)?.business_id.as_deref());
    let mut usage = String::with_capacity(2 * entry.len() + 64);
    for (id, opening) in business.into_iter().chain([id]).zip(["{\"", ",\""]) {
        for part in [opening, id, "\":", &entry] {
            usage.push_str(part);
        }
    }
    usage.push('}');
    usage
}
