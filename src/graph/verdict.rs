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

    /// The message, and what is told to people: the reason may be in any of them.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let for_people = [&self.error_user_title, &self.error_user_msg];
        let for_people = for_people.into_iter().flatten();
        std::iter::once(&self.message)
            .chain(for_people)
            .map(String::as_str)
    }

    /// Whether any of the texts, lower case, has the words in it.
    fn says(&self, words: &str) -> bool {
        self.texts().any(|text| text.to_lowercase().contains(words))
    }

    /// What any of the texts has between two others.
    fn between(&self, before: &str, after: &str) -> Option<&str> {
        self.texts().find_map(|text| {
            let (_, rest) = text.split_once(before)?;
            Some(rest.split_once(after)?.0)
        })
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
    /// The token, its app secret or the version it is used with is of no use: leave everything of this credential until an operator acts.
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
        // A version that is not served any more refuses whatever is asked, until an operator acts.
        (102 | 104 | 190 | 459 | 2635, _) => StopCredential,
        (368, _) => Block,
        (2500, _) if error.says("access token") => StopCredential,
        (9005, _) => names(&["copyright_check_information"]),
        (36_104, _) => names(&["view_count"]),
        (2500 | 3001, _) => Mistake,
        (_, _) if error.says("invalid cursor") => Restart,
        _ => return Verdict::after(2, Fail),
    })
}

/// Code 100 says "something in the question is wrong"; only the message says what.
fn hundred(error: &ErrorBody) -> Reaction {
    if error.says("exceeds the max limit supported by this endpoint") {
        return Reaction::EndOfList;
    }
    if error.says("cursor") {
        return Reaction::Restart;
    }
    if error.says("appsecret_proof") {
        return Reaction::StopCredential;
    }
    if let Some(field) = error.between("nonexisting field (", ")") {
        return Reaction::Drop(vec![field.to_owned()]);
    }
    if let Some(metrics) = error.between("does not support the ", " metric") {
        return Reaction::Drop(metrics.split(',').map(|m| m.trim().to_owned()).collect());
    }
    if let Some(metric) = error.between("and above, the ", " metric is no longer supported") {
        return Reaction::Drop(vec![metric.to_owned()]);
    }
    if error.says("incompatible breakdowns (")
        && let Some(metric) = error.between("for metric (", ")")
    {
        return Reaction::Drop(vec![metric.to_owned()]);
    }
    let index = error
        .between("metric[", "] must be one of")
        .and_then(|at| at.parse().ok());
    index.map_or(Reaction::Mistake, Reaction::DropMetric)
}

#[cfg(test)]
mod tests;
