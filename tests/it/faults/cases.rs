//! What can go wrong: every code that Meta's pages or captures tell of, and what lies between us and the API.

use igsync_simulator::{Fault, Match};

/// What igsync is held to do. From the reference, not from the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It may get better: asked again, so often at most.
    Again(usize),
    /// Fewer objects a page.
    Shrink,
    /// Without what is refused.
    Without,
    /// Without what it is about: asked again, so often at most, and the gap says why.
    Skip(usize, &'static str),
    /// The resource of the account rests until somebody acts.
    Resource,
    /// The account rests until somebody acts.
    Account,
    /// The token rests until somebody acts.
    Token,
    /// The call's own pool is closed.
    Pool,
    /// All calls of the token rest for a while.
    Everything,
    /// New hashtags wait; elsewhere it means nothing.
    Hashtags,
    /// A mistake of ours: not asked again.
    Mistake,
    /// The list begins anew.
    Restart,
    /// The list shows no more.
    End,
}

/// One thing that can go wrong.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What a table calls it: `100/33`, or words.
    pub name: &'static str,
    /// What Meta says, or what is met.
    pub text: &'static str,
    pub class: Class,
    pub kind: Kind,
}

/// How it is made.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// HTTP status, code, subcode.
    Refusal(u16, i64, Option<i64>),
    /// The same, with another message: the text is told only to people.
    Told(u16, i64, Option<i64>, &'static str),
    Html(u16),
    Reset,
    BrokenOff,
    Hang,
    Cut,
    /// HTTP status and what it comes with.
    Body(u16, &'static str),
    DeadCursor,
}

impl Case {
    pub fn fault(&self, on: Match) -> Fault {
        let fault = Fault::on(on);
        match self.kind {
            Kind::Refusal(status, code, subcode) => {
                fault.error(code, subcode, self.text).status(status)
            }
            Kind::Told(status, code, subcode, message) => {
                let fault = fault.error(code, subcode, message).status(status);
                let fields = serde_json::json!({"blame_field_specs": [[""]]});
                fault.error_user_msg(self.text).error_data(&fields)
            }
            Kind::Html(status) => fault.html(status),
            Kind::Reset => fault.reset(),
            Kind::BrokenOff => fault.broken_off(),
            Kind::Hang => fault.hang(),
            Kind::Cut => fault.cut_json(),
            Kind::Body(status, body) => fault.body(body).status(status),
            Kind::DeadCursor => fault.dead_cursor(),
        }
    }

    /// Whether a part of a batch cannot meet it alone.
    pub fn is_of_messages(&self) -> bool {
        matches!(self.kind, Kind::Reset | Kind::BrokenOff | Kind::Hang)
    }
}

const fn code(
    name: &'static str,
    (status, code, subcode): (u16, i64, Option<i64>),
    text: &'static str,
    class: Class,
) -> Case {
    Case {
        name,
        text,
        class,
        kind: Kind::Refusal(status, code, subcode),
    }
}

const fn told(
    name: &'static str,
    (status, code, subcode): (u16, i64, Option<i64>),
    message: &'static str,
    text: &'static str,
    class: Class,
) -> Case {
    Case {
        name,
        text,
        class,
        kind: Kind::Told(status, code, subcode, message),
    }
}

const fn met(name: &'static str, text: &'static str, kind: Kind, retries: usize) -> Case {
    Case {
        name,
        text,
        class: Class::Again(retries),
        kind,
    }
}

const SESSION: &str =
    "Error validating access token: Session has expired on Monday, 24-Oct-16 21:00:00 PDT.";
const MANY: &str = "There have been too many calls to this account. Wait a bit and try again.";
const REDUCE: &str = "Please reduce the amount of data you're asking for, then retry your request";
const GONE: &str = "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does \
                    not support this operation";
const NOT_HERE: &str = "The requested resource does not exist";

const IS_GONE: Class = Class::Skip(0, "gone");
/// It has been seen where a budget was used up.
const MAYBE_GONE: Class = Class::Skip(1, "gone");
const TOO_FEW: Class = Class::Skip(0, "too_few_viewers");
const TOO_EARLY: Class = Class::Skip(0, "before_conversion");

use Class::{
    Account, Again, End, Everything, Hashtags, Mistake, Pool, Resource, Restart, Shrink, Token,
    Without,
};

/// Section by section as Meta's page "Handle Errors" and Instagram's "Error Codes" have them, then what captures add.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    code("-1/2207001", (400, -1, Some(2_207_001)), "Instagram server error. Try again.", Again(3)),
    code("-1/2207086", (400, -1, Some(2_207_086)), "Fatal", Without),
    code("-1/2207032", (400, -1, Some(2_207_032)), "Create media fail, please try to re-create media", Again(3)),
    code("-1/2207053", (400, -1, Some(2_207_053)), "unknown upload error", Again(3)),
    code("-1/2207073", (400, -1, Some(2_207_073)), "Failed to delete media", Again(3)),
    code("-2/2207003", (400, -2, Some(2_207_003)), "It takes too long to download the media.", Again(3)),
    code("-2/2207020", (400, -2, Some(2_207_020)), "The media you are trying to access has expired.", Again(3)),
    code("1", (500, 1, None), "An unknown error occurred", Again(3)),
    code("1/99", (500, 1, Some(99)), "An unknown error occurred", Again(3)),
    code("1, too much data", (500, 1, None), REDUCE, Shrink),
    told("1, too much data, told to people", (500, 1, None), "An unknown error occurred", REDUCE, Shrink),
    code("2", (500, 2, None), "An unexpected error has occurred. Please retry your request later.", Again(5)),
    code("3", (400, 3, None), "(#3) Application does not have the capability to make this API call.", Resource),
    code("4", (403, 4, None), "(#4) Application request limit reached", Everything),
    code("4/1504022", (403, 4, Some(1_504_022)), "(#4) Application request limit reached", Everything),
    code("4/2207051", (403, 4, Some(2_207_051)), "(#4) Action is blocked", Everything),
    code("9/2207042", (400, 9, Some(2_207_042)), "You reached maximum number of posts that is allowed to be published.", Again(2)),
    code("10", (403, 10, None), "(#10) Application does not have permission for this action", Resource),
    code("10, status 400", (400, 10, None), "(#10) Application does not have permission for this action", Resource),
    code("10, too few viewers", (400, 10, None), "(#10) Not enough viewers for the media to show insights", TOO_FEW),
    code("10/2534022", (400, 10, Some(2_534_022)), "(#10) This message is sent outside of allowed window.", Resource),
    code("17", (400, 17, None), "(#17) User request limit reached", Everything),
    code("17/2446079", (400, 17, Some(2_446_079)), "(#17) User request limit reached", Everything),
    code("18/2207034", (400, 18, Some(2_207_034)), "(#18) You have reached the maximum of 30 unique hashtags.", Hashtags),
    code("24/2207006", (400, 24, Some(2_207_006)), NOT_HERE, IS_GONE),
    code("24/2207008", (400, 24, Some(2_207_008)), NOT_HERE, IS_GONE),
    code("24/2207024", (400, 24, Some(2_207_024)), NOT_HERE, IS_GONE),
    code("25/2207050", (400, 25, Some(2_207_050)), "The Instagram account is restricted.", Account),
    code("32", (400, 32, None), "(#32) Page request limit reached", Everything),
    code("100", (400, 100, None), "(#100) Invalid parameter", Mistake),
    code("100/33", (400, 100, Some(33)), GONE, MAYBE_GONE),
    told("100/33, told to people", (400, 100, Some(33)), "Invalid parameter", GONE, MAYBE_GONE),
    code("100/2108006", (400, 100, Some(2_108_006)), "Invalid parameter", TOO_EARLY),
    code("100/2207023", (400, 100, Some(2_207_023)), "The media type is unknown.", Mistake),
    code("100/2207028", (400, 100, Some(2_207_028)), "Carousels need at least 2 photos/videos and no more than 10.", Mistake),
    code("100/2207035", (400, 100, Some(2_207_035)), "Product tag positions should not be specified for video media.", Mistake),
    code("100/2207036", (400, 100, Some(2_207_036)), "Product tag positions are required for photo media.", Mistake),
    code("100/2207037", (400, 100, Some(2_207_037)), "We couldn't add all of your product tags.", Mistake),
    code("100/2207040", (400, 100, Some(2_207_040)), "Cannot use more than 20 tags per created media.", Mistake),
    code("100/2874010", (400, 100, Some(2_874_010)), "(#100) Not enough users to show this metric", TOO_FEW),
    code("100, unknown metric", (400, 100, None), "(#100) metric[0] must be one of the following values: reach, views", Without),
    code("100, unknown metric further back", (400, 100, None), "(#100) metric[1] must be one of the following values: reach, views", Without),
    code("100, metric of other posts", (400, 100, None), "(#100) The Media Insights API does not support the reach metric for this media product type.", Without),
    code("100, metrics of other posts", (400, 100, None), "(#100) The Media Insights API does not support the reach, views metric for this media product type.", Without),
    code("100, retired metric", (400, 100, None), "(#100) Starting from version v22.0 and above, the reach metric is no longer supported for the queried media", Without),
    code("100, metric type", (400, 100, None), "(#100) The following metrics (views) should be specified with parameter metric_type=total_value", Mistake),
    code("100, incompatible metric", (400, 100, None), "(#100) The following metric (follower_count) is incompatible with the metric type (total_value)", Mistake),
    code("100, period", (400, 100, None), "(#100) The following periods (week) are incompatible with the metric (online_followers)", Mistake),
    code("100, breakdown of a metric", (400, 100, None), "(#100) Incompatible breakdowns (follow_type) for metric (reach)", Without),
    code("100, breakdown", (400, 100, None), "(#100) breakdown[0] must be one of the following values: follow_type, surface_type", Mistake),
    code("100, range", (400, 100, None), "(#100) There cannot be more than 30 days (2592000 s) between since and until", Mistake),
    code("100, since", (400, 100, None), "(#100) since param is not valid. Metrics data is available for the last 2 years", Mistake),
    code("100, last 30 days", (400, 100, None), "(#100) (follower_count) metric only supports querying data for the last 30 days excluding the current day", Mistake),
    code("100, field", (400, 100, None), "(#100) Tried accessing nonexisting field (timestamp) on node type (IGMedia)", Without),
    code("100, end of list", (400, 100, None), "(#100) The After Cursor specified exceeds the max limit supported by this endpoint", End),
    code("100, ids", (500, 100, None), "The ids query parameter is deprecated in v26.0+", Mistake),
    code("100, no proof", (400, 100, None), "API calls from the server require an appsecret_proof argument", Token),
    code("100, wrong proof", (400, 100, None), "Invalid appsecret_proof provided in the API argument", Token),
    code("102", (400, 102, None), SESSION, Token),
    code("102/463", (400, 102, Some(463)), SESSION, Token),
    code("104", (400, 104, None), "(#104) Incorrect signature", Token),
    code("110/2207013", (400, 110, Some(2_207_013)), "Invalid user id", IS_GONE),
    code("190", (400, 190, None), SESSION, Token),
    code("190/0", (400, 190, Some(0)), SESSION, Token),
    code("190/452", (400, 190, Some(452)), "Error validating access token: The session has been invalidated because the user changed their password.", Token),
    code("190/458", (400, 190, Some(458)), "Error validating access token: The user has not authorized application 1.", Token),
    code("190/459", (400, 190, Some(459)), "Error validating access token: You cannot access the app till you log in to www.facebook.com.", Token),
    code("190/460", (401, 190, Some(460)), "Error validating access token: the user changed their password", Token),
    code("190/463", (400, 190, Some(463)), SESSION, Token),
    code("190/464", (400, 190, Some(464)), "Error validating access token: Sessions for the user are not allowed because the user is not a confirmed user.", Token),
    code("190/467", (400, 190, Some(467)), "Error validating access token: The session is invalid because the user logged out.", Token),
    code("190/492", (400, 190, Some(492)), "Error validating access token: the user associated with the Page access token does not have an appropriate role on the Page.", Token),
    code("200", (403, 200, None), "(#200) Requires instagram_manage_insights permission to manage the object", Resource),
    code("200/1", (403, 200, Some(1)), "(#200) Requires instagram_manage_insights permission to manage the object", Resource),
    code("299", (403, 299, None), "(#299) Permission was removed", Resource),
    code("341", (400, 341, None), "(#341) Application limit reached", Everything),
    code("352/2207026", (400, 352, Some(2_207_026)), "The video format is not supported.", Again(2)),
    code("368", (400, 368, None), "(#368) The action attempted has been deemed abusive or is otherwise disallowed", Everything),
    code("459", (400, 459, None), "(#459) The user is checkpointed", Token),
    code("506", (400, 506, None), "(#506) Duplicate post", Again(2)),
    code("613", (400, 613, None), "(#613) Calls to this api have exceeded the rate limit.", Pool),
    code("613/1996", (400, 613, Some(1996)), "(#613) Calls to this api have exceeded the rate limit.", Everything),
    code("803", (404, 803, None), "(#803) Some of the aliases you requested do not exist: 1", IS_GONE),
    code("803, status 400", (400, 803, None), "(#803) Some of the aliases you requested do not exist: 1", IS_GONE),
    code("2500", (400, 2500, None), "Syntax error \"Expected end of string instead of \"?\".\" at character 4", Mistake),
    code("2500, field twice", (400, 2500, None), "Syntax error \"Field id specified more than once. This is only possible before version 2.1\" at character 5: id,id", Mistake),
    code("2500, unknown path", (404, 2500, None), "Unknown path components: /media", Mistake),
    code("2500, no token", (400, 2500, None), "An active access token must be used to query information about the current user.", Token),
    code("2635", (400, 2635, None), "(#2635) You are calling a deprecated version of the Ads API.", Token),
    code("3001/1504028", (400, 3001, Some(1_504_028)), "Invalid query: No metric was specified to be fetched.", Mistake),
    code("9004", (400, 9004, Some(2_207_052)), "Only photo or video can be accepted as media type.", Again(2)),
    code("9005/1452042", (400, 9005, Some(1_452_042)), "Video content was not found.", Without),
    code("9007", (400, 9007, Some(2_207_027)), "Media ID is not available", Again(2)),
    code("9009", (400, 9009, None), "The IG user is unavailable", IS_GONE),
    code("36000", (400, 36_000, Some(2_207_004)), "The image is too large to download.", Again(2)),
    code("36001", (400, 36_001, Some(2_207_005)), "The image format is not supported.", Again(2)),
    code("36002", (400, 36_002, None), "The image cannot be used.", Again(2)),
    code("36003", (400, 36_003, Some(2_207_009)), "The aspect ratio of the image cannot be published.", Again(2)),
    code("36004", (400, 36_004, Some(2_207_010)), "The caption is too long.", Again(2)),
    code("36104", (400, 36_104, None), "You do not have permission to access this field outside of the Business Discovery API.", Without),
    code("80000", (400, 80_000, None), MANY, Pool),
    code("80001", (400, 80_001, None), MANY, Pool),
    code("80002", (400, 80_002, None), MANY, Pool),
    code("80003", (400, 80_003, None), MANY, Pool),
    code("80004/2446079", (400, 80_004, Some(2_446_079)), MANY, Pool),
    code("80005", (400, 80_005, None), MANY, Pool),
    code("80006", (400, 80_006, None), MANY, Pool),
    code("80008", (400, 80_008, None), MANY, Pool),
    code("80009", (400, 80_009, None), MANY, Pool),
    code("80014", (400, 80_014, None), MANY, Pool),
    code("1609005", (400, 1_609_005, None), "(#1609005) Error posting link", Again(2)),
    code("any other", (400, 12_345, None), "(#12345) Never seen before", Again(2)),
    code("2, status 200", (200, 2, None), "An unexpected error has occurred. Please retry your request later.", Again(5)),
    code("190, status 200", (200, 190, None), SESSION, Token),
    Case { name: "dead cursor", text: "the API knows the place in a list no more", class: Restart, kind: Kind::DeadCursor },
    met("HTML, status 502", "a page of HTML from in front of the API", Kind::Html(502), 5),
    met("HTML, status 503", "a page of HTML from in front of the API", Kind::Html(503), 5),
    met("HTML, status 504", "a page of HTML from in front of the API", Kind::Html(504), 5),
    met("HTML, status 429", "a page of HTML from in front of the API", Kind::Html(429), 5),
    met("HTML, status 200", "a page of HTML in place of JSON", Kind::Html(200), 5),
    met("reset", "the connection breaks without an answer", Kind::Reset, 5),
    met("broken off", "the connection breaks in the middle of the answer", Kind::BrokenOff, 5),
    met("no answer", "nothing comes within the time of a request", Kind::Hang, 5),
    met("cut JSON", "half of an answer, as if it were all", Kind::Cut, 5),
    met("empty answer", "an answer without a byte", Kind::Body(200, ""), 5),
    met("empty answer, status 500", "an answer without a byte", Kind::Body(500, ""), 5),
    met("other JSON", "JSON that is no answer, such as a number", Kind::Body(200, "7"), 5),
];
