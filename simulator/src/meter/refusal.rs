//! What a throttled call is told.
//!
//! Codes and texts: "Rate Limits" page and recorded answers.

use crate::error::GraphError;
use crate::rules::Rules;
use crate::server::Incoming;
use crate::world::World;

use super::Pool;

const MORE: &str = "Wait a bit and try again. For more info, please refer to \
                    https://developers.facebook.com/docs/graph-api/overview/rate-limiting.";

/// The refusal of a blocked pool.
pub(crate) fn throttled(world: &World, pool: &Pool, call: &Incoming) -> GraphError {
    let rules: &Rules = &world.spec().rules;
    let business = |code: i64, whose: &str| {
        GraphError::new(
            code,
            format!("(#{code}) There have been too many calls to this {whose} account. {MORE}"),
        )
    };
    let is_about_page = call
        .path
        .first()
        .is_some_and(|id| world.page_with_id(id).is_some());
    match pool {
        Pool::BucInstagram(_) => business(80002, "Instagram"),
        Pool::BucPages(_) => business(80001, "Page"),
        Pool::BucMessenger(_) => business(80006, "Messenger"),
        Pool::PlatformApp => {
            return GraphError::new(4, "(#4) Application request limit reached")
                .transient(true)
                .status(rules.app_throttle_status);
        }
        Pool::PlatformUser(_) if is_about_page => {
            GraphError::new(32, "(#32) Page request limit reached")
        }
        Pool::PlatformUser(_) => {
            GraphError::new(17, "(#17) User request limit reached").transient(true)
        }
    }
    .status(rules.throttle_status)
}

/// The refusal of a third conversation call within a second.
pub(crate) fn too_many_conversation_calls(world: &World) -> GraphError {
    GraphError::new(
        613,
        "(#613) Calls to this api have exceeded the rate limit.",
    )
    .status(world.spec().rules.throttle_status)
}
