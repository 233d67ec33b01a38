//! What a refusal means: from an error body to one of a closed set of reactions.
//!
//! Decided by code and subcode; by message only where Meta gives several meanings the same code ("Handle Errors" page
//! and Instagram "Error Codes" page). HTTP status decides nothing here. Pure.

use serde::{Deserialize, Deserializer};

/// The body of a refusal, without its envelope.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// English most of the time; can be in the account's language.
    #[serde(deserialize_with = "message")]
    pub message: String,
    /// Not usable for decisions.
    #[serde(rename = "type", deserialize_with = "message")]
    pub kind: String,
    /// What decides first. 0 when the body has none.
    #[serde(deserialize_with = "code")]
    pub code: i64,
    /// What decides second.
    #[serde(deserialize_with = "subcode")]
    pub error_subcode: Option<i64>,
    /// Told to people; sometimes the only place of the real reason.
    #[serde(deserialize_with = "words")]
    pub error_user_title: Option<String>,
    /// Told to people; sometimes the only place of the real reason.
    #[serde(deserialize_with = "words")]
    pub error_user_msg: Option<String>,
    /// What Meta's support asks for.
    #[serde(deserialize_with = "words")]
    pub fbtrace_id: Option<String>,
}

/// Codes are integers; a number in quotes is read too, anything else is 0.
fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    subcode(deserializer).map(Option::unwrap_or_default)
}

/// Like a code; anything else is none.
fn subcode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_i64().or_else(|| value.as_str()?.parse().ok()))
}

/// A text. One field that is something else must not hide the code, which decides.
fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    words(deserializer).map(Option::unwrap_or_default)
}

/// A text; something else is told as it is.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

#[derive(Deserialize)]
struct Envelope {
    error: ErrorBody,
}

impl ErrorBody {
    /// The error in a body, whatever status it came with; `None` when the body is something else.
    pub fn read(body: &[u8]) -> Option<Self> {
        // A list can be taken for a structure: the answers of a batch are none.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let Envelope { mut error } = serde_json::from_slice(body).ok()?;
        if error.code == 0 {
            error.code = code_in_message(&error.message).unwrap_or_default();
        }
        Some(error)
    }

    /// Whether any of the texts, lower case, has the words in it.
    fn says(&self, words: &str) -> bool {
        [
            Some(&self.message),
            self.error_user_title.as_ref(),
            self.error_user_msg.as_ref(),
        ]
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(words))
    }
}

/// Messages may begin with `(#100) `.
fn code_in_message(message: &str) -> Option<i64> {
    message.strip_prefix("(#")?.split_once(')')?.0.parse().ok()
}

/// Which budgets a throttling code speaks of ("Rate Limits" page).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Codes 4 and 341: every call of the app.
    App,
    /// Codes 17 and 32, and 613/1996, which asks to slow down everywhere: every call of the token's user.
    User,
    /// Codes 80000 to 80014, and 613, the limit of one endpoint: calls like this one.
    Own,
    /// Code 18: 30 hashtags in 7 days.
    Hashtags,
}

/// Why an object is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Deleted, not permitted or disguised throttling: Meta says the same for all three, so nothing is
    /// concluded from it.
    Gone,
    /// Too few people for Meta to tell.
    TooFewViewers,
    /// Posted before the account became professional.
    BeforeConversion,
    /// The name means nothing that can be asked for: a hashtag that does not exist, an account that is personal, hidden, renamed or gone.
    NoSuchName,
}

/// What to do about a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Ask for fewer objects a page.
    Shrink,
    /// Ask again without these fields or metrics.
    Drop(Vec<String>),
    /// Ask again without the metric at this place of the request's list.
    DropMetric(usize),
    /// The cursor is dead: start the list again from the top, once.
    Restart,
    /// The API lists no further.
    EndOfList,
    /// Leave the object out and go on.
    Skip(Skip),
    /// A permission, task or feature is missing: leave the resource of this account until an operator acts.
    Disable,
    /// Meta restricts the account: leave all of it until an operator acts.
    DisableAccount,
    /// The token is of no use: leave everything of this credential until an operator acts.
    StopCredential,
    /// A budget is used up.
    Throttle(Family),
    /// Meta blocks the app for violating policies: stop all of it until an operator acts.
    Block,
    /// It may get better by itself, later than a retry.
    Fail,
    /// The question is wrong: a mistake of igsync's.
    Mistake,
}

/// A reaction, and how often the same question may be asked again first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Further attempts that are worth their price.
    pub retries: u32,
    /// What to do when they are used up.
    pub reaction: Reaction,
}

impl Verdict {
    fn at_once(reaction: Reaction) -> Self {
        Self {
            retries: 0,
            reaction,
        }
    }

    fn after(retries: u32, reaction: Reaction) -> Self {
        Self { retries, reaction }
    }
}

/// What a refusal means.
pub fn judge(error: &ErrorBody) -> Verdict {
    use Reaction::{
        Block, Disable, DisableAccount, Drop, Fail, Mistake, Restart, Shrink, StopCredential,
        Throttle,
    };
    let names = |names: &[&str]| Drop(names.iter().map(|name| (*name).to_owned()).collect());
    let skip = |why| Reaction::Skip(why);
    Verdict::at_once(match (error.code, error.error_subcode) {
        // Too few people of a kind, seen for demographics of small accounts.
        (_, Some(2_874_010)) => skip(Skip::TooFewViewers),
        (-1, Some(2_207_086)) => names(&["facebook_views", "crossposted_views"]),
        (-1 | -2, _) => return Verdict::after(3, Fail),
        (1, _) if error.says("reduce the amount of data") => Shrink,
        (1, _) => return Verdict::after(3, Fail),
        (2, _) => return Verdict::after(5, Fail),
        (4 | 341, _) => Throttle(Family::App),
        (17 | 32, _) | (613, Some(1996)) => Throttle(Family::User),
        (80_000..=80_014 | 613, _) => Throttle(Family::Own),
        (18, _) => Throttle(Family::Hashtags),
        (10, _) if error.says("not enough viewers") => skip(Skip::TooFewViewers),
        (3 | 10 | 200..=299, _) => Disable,
        (24, Some(2_207_024)) | (110, _) => skip(Skip::NoSuchName),
        (24 | 803 | 9009, _) => skip(Skip::Gone),
        (25, _) => DisableAccount,
        (100, Some(2_108_006)) => skip(Skip::BeforeConversion),
        // Has been seen as a disguised throttle, so once more before it is believed.
        (100, Some(33)) => return Verdict::after(1, skip(Skip::Gone)),
        (100, _) => hundred(error),
        (102 | 104 | 190 | 459, _) => StopCredential,
        (368, _) => Block,
        (2500, _) if error.says("access token") => StopCredential,
        (9005, _) => names(&["copyright_check_information"]),
        (36_104, _) => names(&["view_count"]),
        (2500 | 2635 | 3001, _) => Mistake,
        (_, _) if error.says("invalid cursor") => Restart,
        _ => return Verdict::after(2, Fail),
    })
}

/// Code 100 says "something in the question is wrong"; only the message says what.
fn hundred(error: &ErrorBody) -> Reaction {
    let message = error.message.as_str();
    if error.says("exceeds the max limit supported by this endpoint") {
        return Reaction::EndOfList;
    }
    if error.says("cursor") {
        return Reaction::Restart;
    }
    if error.says("appsecret_proof") {
        return Reaction::StopCredential;
    }
    if let Some(field) = between(message, "nonexisting field (", ")") {
        return Reaction::Drop(vec![field.to_owned()]);
    }
    if let Some(metrics) = between(message, "does not support the ", " metric") {
        return Reaction::Drop(metrics.split(',').map(|m| m.trim().to_owned()).collect());
    }
    if let Some(metric) = between(message, "and above, the ", " metric is no longer supported") {
        return Reaction::Drop(vec![metric.to_owned()]);
    }
    if message.contains("Incompatible breakdowns (")
        && let Some(metric) = between(message, "for metric (", ")")
    {
        return Reaction::Drop(vec![metric.to_owned()]);
    }
    let index = between(message, "metric[", "] must be one of").and_then(|at| at.parse().ok());
    index.map_or(Reaction::Mistake, Reaction::DropMetric)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Reaction::*;

    fn verdict(code: i64, subcode: Option<i64>, message: &str) -> Verdict {
        judge(&ErrorBody {
            message: message.to_owned(),
            code,
            error_subcode: subcode,
            ..ErrorBody::default()
        })
    }

    fn drop(names: &[&str]) -> Reaction {
        Drop(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn every_code_has_its_reaction() {
        let cases: &[(i64, Option<i64>, &str, u32, Reaction)] = &[
            (-1, Some(2_207_001), "", 3, Fail),
            (
                -1,
                Some(2_207_086),
                "Fatal",
                0,
                drop(&["facebook_views", "crossposted_views"]),
            ),
            (-2, Some(2_207_003), "", 3, Fail),
            (
                1,
                None,
                "Please reduce the amount of data you're asking for, then retry your request",
                0,
                Shrink,
            ),
            (1, Some(99), "An unknown error occurred", 3, Fail),
            (
                2,
                None,
                "An unexpected error has occurred. Please retry your request later.",
                5,
                Fail,
            ),
            (3, None, "", 0, Disable),
            (
                4,
                None,
                "(#4) Application request limit reached",
                0,
                Throttle(Family::App),
            ),
            (4, Some(1_504_022), "", 0, Throttle(Family::App)),
            (
                17,
                None,
                "(#17) User request limit reached",
                0,
                Throttle(Family::User),
            ),
            (
                32,
                None,
                "(#32) Page request limit reached",
                0,
                Throttle(Family::User),
            ),
            (341, None, "", 0, Throttle(Family::App)),
            (613, Some(1996), "", 0, Throttle(Family::User)),
            (613, None, "", 0, Throttle(Family::Own)),
            (80_001, None, "", 0, Throttle(Family::Own)),
            (
                80_002,
                None,
                "(#80002) There have been too many calls to this Instagram account.",
                0,
                Throttle(Family::Own),
            ),
            (80_004, Some(2_446_079), "", 0, Throttle(Family::Own)),
            (80_006, None, "", 0, Throttle(Family::Own)),
            (18, Some(2_207_034), "", 0, Throttle(Family::Hashtags)),
            (
                10,
                None,
                "(#10) Application does not have permission for this action",
                0,
                Disable,
            ),
            (
                10,
                None,
                "(#10) Not enough viewers for the media to show insights",
                0,
                Skip(super::Skip::TooFewViewers),
            ),
            (
                24,
                Some(2_207_024),
                "The requested resource does not exist",
                0,
                Skip(super::Skip::NoSuchName),
            ),
            (24, Some(2_207_006), "", 0, Skip(super::Skip::Gone)),
            (25, Some(2_207_050), "", 0, DisableAccount),
            (
                100,
                Some(33),
                "Unsupported get request.",
                1,
                Skip(super::Skip::Gone),
            ),
            (
                100,
                Some(2_108_006),
                "Invalid parameter",
                0,
                Skip(super::Skip::BeforeConversion),
            ),
            (
                100,
                Some(2_874_010),
                "",
                0,
                Skip(super::Skip::TooFewViewers),
            ),
            (
                100,
                None,
                "(#100) Tried accessing nonexisting field (feed)",
                0,
                drop(&["feed"]),
            ),
            (
                100,
                None,
                "(#100) Tried accessing nonexisting field (ig_id) on node type (IGMedia)",
                0,
                drop(&["ig_id"]),
            ),
            (
                100,
                None,
                "(#100) The Media Insights API does not support the views, reach metric for this media product type.",
                0,
                drop(&["views", "reach"]),
            ),
            (
                100,
                None,
                "(#100) Starting from version v22.0 and above, the impressions metric is no longer supported for the queried media",
                0,
                drop(&["impressions"]),
            ),
            (
                100,
                None,
                "(#100) metric[4] must be one of the following values: reach, views",
                0,
                DropMetric(4),
            ),
            (
                100,
                None,
                "(#100) breakdown[0] must be one of the following values: follow_type",
                0,
                Mistake,
            ),
            (
                100,
                None,
                "(#100) The After Cursor specified exceeds the max limit supported by this endpoint",
                0,
                EndOfList,
            ),
            (
                100,
                None,
                "(#100) Incompatible breakdowns (follow_type) for metric (views)",
                0,
                drop(&["views"]),
            ),
            (100, None, "(#100) Invalid cursor", 0, Restart),
            (
                100,
                None,
                "Invalid appsecret_proof provided in the API argument",
                0,
                StopCredential,
            ),
            (
                100,
                None,
                "API calls from the server require an appsecret_proof argument",
                0,
                StopCredential,
            ),
            (
                100,
                None,
                "The ids query parameter is deprecated in v26.0+",
                0,
                Mistake,
            ),
            (102, None, "", 0, StopCredential),
            (104, None, "", 0, StopCredential),
            (
                110,
                Some(2_207_013),
                "Invalid user id",
                0,
                Skip(super::Skip::NoSuchName),
            ),
            (
                190,
                Some(0),
                "Error validating access token: Session has expired",
                0,
                StopCredential,
            ),
            (190, Some(463), "", 0, StopCredential),
            (
                200,
                None,
                "(#200) Requires instagram_manage_insights permission",
                0,
                Disable,
            ),
            (299, None, "", 0, Disable),
            (368, None, "", 0, Block),
            (459, None, "", 0, StopCredential),
            (
                803,
                None,
                "(#803) Some of the aliases you requested do not exist: x",
                0,
                Skip(super::Skip::Gone),
            ),
            (
                2500,
                None,
                "Syntax error \"Field id specified more than once\"",
                0,
                Mistake,
            ),
            (
                2500,
                None,
                "An active access token must be used to query information about the current user.",
                0,
                StopCredential,
            ),
            (2635, None, "", 0, Mistake),
            (3001, Some(1_504_028), "No metric was specified", 0, Mistake),
            (
                9005,
                Some(1_452_042),
                "Video content was not found.",
                0,
                drop(&["copyright_check_information"]),
            ),
            (9009, None, "", 0, Skip(super::Skip::Gone)),
            (36_104, None, "", 0, drop(&["view_count"])),
            (12_345, None, "never seen", 2, Fail),
            (0, None, "no code at all", 2, Fail),
        ];
        for (code, subcode, message, retries, reaction) in cases {
            let expected = Verdict {
                retries: *retries,
                reaction: reaction.clone(),
            };
            assert_eq!(
                verdict(*code, *subcode, message),
                expected,
                "{code} {subcode:?} {message}"
            );
        }
    }

    #[test]
    fn the_reason_may_hide_in_the_texts_for_users() {
        let error = ErrorBody {
            code: 1,
            message: "An unknown error occurred".into(),
            error_user_msg: Some("Please reduce the amount of data you're asking for".into()),
            ..ErrorBody::default()
        };
        assert_eq!(judge(&error).reaction, Shrink);
    }

    #[test]
    fn the_answers_of_a_batch_are_no_error() {
        assert!(ErrorBody::read(br#"[{"code":200,"body":"{}"}]"#).is_none());
        assert!(ErrorBody::read(br#" {"error":{"code":200}}"#).is_some());
    }

    #[test]
    fn bodies_are_read_whatever_their_shape() {
        let read = |body: &str| ErrorBody::read(body.as_bytes());
        let code = |body: &str| read(body).map(|error| error.code);
        assert_eq!(code(r#"{"error":{"code":190,"message":"x"}}"#), Some(190));
        assert_eq!(code(r#"{"error":{"code":"190"}}"#), Some(190));
        assert_eq!(code(r#"{"error":{"message":"(#10) x"}}"#), Some(10));
        assert_eq!(code(r#"{"error":{"error_data":{"a":[[""]]}}}"#), Some(0));
        assert_eq!(code(r#"{"data":[]}"#), None);
        assert_eq!(code("<html>"), None);
        assert_eq!(code(""), None);
    }
}
