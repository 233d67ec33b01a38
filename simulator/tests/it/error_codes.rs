//! Every documented or recorded error can be scripted, word for word.

use igsync_simulator::{Fault, Match};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe};

/// Scripts an error object: every key that errors are known to have.
fn scripted(status: u16, error: &Value) -> Fault {
    let text = |key: &str| error[key].as_str();
    let code = error["code"].as_i64().unwrap();
    let subcode = error["error_subcode"].as_i64();
    let mut fault = Fault::on(Match::any())
        .error(code, subcode, text("message").unwrap())
        .status(status);
    if let Some(kind) = text("type") {
        fault = fault.error_type(kind);
    }
    if let Some(is_transient) = error["is_transient"].as_bool() {
        fault = fault.is_transient(is_transient);
    }
    if let Some(title) = text("error_user_title") {
        fault = fault.error_user_title(title);
    }
    if let Some(message) = text("error_user_msg") {
        fault = fault.error_user_msg(message);
    }
    if let Some(data) = error.get("error_data") {
        fault = fault.error_data(data);
    }
    fault
}

/// Whole error objects, as they were recorded or are shown on Meta's pages; where no trace id was quoted, none is here.
fn whole_errors() -> Vec<(u16, Value)> {
    vec![
        (
            400,
            json!({"message": "Error validating access token: Session has expired on Monday, 24-Oct-16 21:00:00 PDT. The current time is Tuesday, 25-Oct-16 08:00:00 PDT.", "type": "OAuthException", "code": 190, "error_subcode": 463}),
        ),
        (
            403,
            json!({"message": "(#4) Application request limit reached", "type": "OAuthException", "is_transient": true, "code": 4}),
        ),
        (
            400,
            json!({"message": "(#32) Page request limit reached", "type": "OAuthException", "code": 32}),
        ),
        (
            400,
            json!({"message": "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again. For more info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.", "type": "OAuthException", "code": 80002}),
        ),
        (
            400,
            json!({"message": "Invalid parameter", "type": "OAuthException", "code": 100, "error_data": {"blame_field_specs": [[""]]}, "error_subcode": 2108006, "is_transient": false, "error_user_title": "Media posted before business account conversion", "error_user_msg": "The media was posted before the most recent time that the user's account was converted to a business account from a personal account."}),
        ),
        (
            400,
            json!({"message": "Invalid parameter", "type": "OAuthException", "code": 100, "error_data": {}, "error_subcode": 33, "is_transient": false, "error_user_msg": "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation."}),
        ),
        (
            400,
            json!({"message": "An unknown error occurred", "type": "IGApiException", "code": 1, "error_subcode": 99, "error_data": "text instead of an object", "error_user_title": "A title alone"}),
        ),
        (
            500,
            json!({"message": "An unexpected error has occurred. Please retry your request later.", "type": "OAuthException", "is_transient": true, "code": 2}),
        ),
        (
            400,
            json!({"message": "Fatal", "type": "IGApiException", "code": -1, "error_subcode": 2207086}),
        ),
    ]
}

/// The codes and subcodes of the pages "Error Codes", "Handle Errors" and "Rate Limits" that reading can meet, with the
/// recorded text where there is one, else with any.
const CODES: [(u16, i64, Option<i64>, &str); 84] = [
    (400, 100, Some(2_207_028), "Invalid parameter"),
    (400, 100, Some(2_207_035), "Invalid parameter"),
    (400, 100, Some(2_207_036), "Invalid parameter"),
    (400, 100, Some(2_207_037), "Invalid parameter"),
    (400, 100, Some(2_207_040), "Invalid parameter"),
    (
        400,
        80_004,
        Some(2_446_079),
        "(#80004) There have been too many calls to this ad-account. Wait a bit and try again.",
    ),
    (400, -1, Some(2_207_001), "Fatal"),
    (400, -1, Some(2_207_032), "Fatal"),
    (400, -1, Some(2_207_053), "Fatal"),
    (400, -1, Some(2_207_073), "Fatal"),
    (400, -1, Some(2_207_086), "Fatal"),
    (400, -2, Some(2_207_003), "Fatal"),
    (400, -2, Some(2_207_020), "Fatal"),
    (500, 1, None, "An unknown error has occurred."),
    (500, 1, Some(99), "An unknown error occurred"),
    (
        500,
        1,
        None,
        "Please reduce the amount of data you're asking for, then retry your request",
    ),
    (
        500,
        2,
        None,
        "An unexpected error has occurred. Please retry your request later.",
    ),
    (
        400,
        3,
        None,
        "Application does not have the capability to make this API call.",
    ),
    (403, 4, None, "(#4) Application request limit reached"),
    (
        403,
        4,
        Some(1_504_022),
        "(#4) Application request limit reached",
    ),
    (403, 4, Some(2_207_051), "Action is blocked"),
    (400, 9, Some(2_207_042), "Application request limit reached"),
    (
        403,
        10,
        None,
        "(#10) Application does not have permission for this action",
    ),
    (
        400,
        10,
        None,
        "(#10) Not enough viewers for the media to show insights",
    ),
    (
        400,
        10,
        Some(2_534_022),
        "(#10) This message is sent outside of allowed window.",
    ),
    (400, 17, None, "(#17) User request limit reached"),
    (400, 17, Some(2_446_079), "(#17) User request limit reached"),
    (
        400,
        18,
        Some(2_207_034),
        "(#18) Maximum of 30 unique hashtags in 7 days reached",
    ),
    (
        400,
        24,
        Some(2_207_006),
        "The requested resource does not exist",
    ),
    (
        400,
        24,
        Some(2_207_008),
        "The requested resource does not exist",
    ),
    (
        400,
        24,
        Some(2_207_024),
        "The requested resource does not exist",
    ),
    (400, 25, Some(2_207_050), "User restricted"),
    (400, 32, None, "(#32) Page request limit reached"),
    (
        400,
        100,
        None,
        "(#100) metric[0] must be one of the following values: reach, replies",
    ),
    (
        400,
        100,
        None,
        "(#100) The Media Insights API does not support the views, shares metric for this media product type.",
    ),
    (
        400,
        100,
        None,
        "(#100) Starting from version v22.0 and above, the impressions metric is no longer supported for the queried media.",
    ),
    (
        400,
        100,
        None,
        "(#100) The following metrics (views) should be specified with parameter metric_type=total_value",
    ),
    (
        400,
        100,
        None,
        "(#100) The following metric (follower_count) is incompatible with the metric type (total_value)",
    ),
    (
        400,
        100,
        None,
        "(#100) The following periods (week) are incompatible with the metric (online_followers)",
    ),
    (
        400,
        100,
        None,
        "(#100) Incompatible breakdowns (follow_type) for metric (views)",
    ),
    (
        400,
        100,
        None,
        "(#100) breakdown[0] must be one of the following values: follow_type, surface_type, action_type, story_navigation_action_type",
    ),
    (
        400,
        100,
        None,
        "(#100) There cannot be more than 30 days (2592000 s) between since and until",
    ),
    (
        400,
        100,
        None,
        "(#100) since param is not valid. Metrics data is available for the last 2 years",
    ),
    (
        400,
        100,
        None,
        "(#100) (follower_count) metric only supports querying data for the last 30 days excluding the current day",
    ),
    (
        400,
        100,
        None,
        "(#100) Tried accessing nonexisting field (x) on node type (IGUser)",
    ),
    (
        400,
        100,
        None,
        "(#100) The After Cursor specified exceeds the max limit supported by this endpoint",
    ),
    (
        500,
        100,
        None,
        "(#100) The ids query parameter is deprecated in v26.0+",
    ),
    (
        400,
        100,
        Some(33),
        "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
    ),
    (400, 100, Some(2_108_006), "Invalid parameter"),
    (400, 100, Some(2_207_023), "Invalid parameter"),
    (400, 100, Some(2_874_010), "Invalid parameter"),
    (400, 102, None, "Session key invalid or no longer valid"),
    (
        400,
        104,
        None,
        "An access token is required to request this resource.",
    ),
    (400, 110, Some(2_207_013), "Invalid user id"),
    (400, 190, None, "Invalid OAuth access token."),
    (
        400,
        190,
        Some(0),
        "Error validating access token: Session has expired on Monday, 01-Dec-25 11:00:00 PST.",
    ),
    (401, 190, Some(452), "Error validating access token"),
    (400, 190, Some(458), "Error validating access token"),
    (400, 190, Some(459), "Error validating access token"),
    (400, 190, Some(460), "Error validating access token"),
    (400, 190, Some(463), "Error validating access token"),
    (400, 190, Some(464), "Error validating access token"),
    (400, 190, Some(467), "Error validating access token"),
    (400, 190, Some(492), "Error validating access token"),
    (
        403,
        200,
        None,
        "(#200) Requires instagram_manage_insights permission to manage the object",
    ),
    (403, 299, None, "(#299) Permission was not granted"),
    (400, 341, None, "Application limit reached"),
    (
        400,
        352,
        Some(2_207_026),
        "The video format is not supported.",
    ),
    (
        403,
        368,
        None,
        "The action attempted has been deemed abusive or is otherwise disallowed: temporarily blocked for policies violations",
    ),
    (400, 459, None, "The user is checkpointed"),
    (400, 506, None, "Duplicate Post"),
    (
        400,
        613,
        None,
        "Calls to this api have exceeded the rate limit.",
    ),
    (
        400,
        613,
        Some(1996),
        "Calls to this api have exceeded the rate limit.",
    ),
    (
        404,
        803,
        None,
        "(#803) Some of the aliases you requested do not exist: nobody",
    ),
    (
        400,
        2500,
        None,
        "Syntax error \"Field id specified more than once. This is only possible before version 2.1\" at character 5: id,id",
    ),
    (
        400,
        2500,
        None,
        "An active access token must be used to query information about the current user.",
    ),
    (404, 2500, None, "Unknown path components: /nothing"),
    (
        400,
        2635,
        None,
        "You are calling a deprecated version of the API.",
    ),
    (
        400,
        3001,
        Some(1_504_028),
        "No metric was specified to be fetched. Please specify one or more metrics to be fetched and try again.",
    ),
    (400, 9005, Some(1_452_042), "Video content was not found."),
    (400, 9009, None, "The user is unavailable"),
    (
        400,
        36_104,
        None,
        "You do not have permission to access this field outside of the Business Discovery API.",
    ),
    (
        400,
        80_001,
        None,
        "(#80001) There have been too many calls to this Page account. Wait a bit and try again.",
    ),
    (
        400,
        80_006,
        None,
        "(#80006) There have been too many calls to this account. Wait a bit and try again.",
    ),
];

/// Those of publishing and of other business use cases, which reading does not meet; no text was recorded.
const OTHER_CODES: [i64; 16] = [
    9004, 9007, 36_000, 36_001, 36_002, 36_003, 36_004, 1_609_005, 80_000, 80_003, 80_004, 80_005,
    80_008, 80_009, 80_014, 210,
];

async fn assert_told(probe: &Probe, status: u16, error: &Value) {
    probe.simulator.inject(scripted(status, error));
    let reply = probe.get(&format!("/{ACCOUNT}")).await;
    assert_eq!(reply.status, status, "{error}");
    let mut told = reply.body["error"].clone();
    let trace_id = told.as_object_mut().unwrap().remove("fbtrace_id");
    assert!(trace_id.is_some_and(|id| id.is_string()));
    assert_eq!(&told, error);
    let call = probe.simulator.journal().pop().unwrap();
    assert_eq!(
        (call.code, call.subcode),
        (error["code"].as_i64(), error["error_subcode"].as_i64())
    );
    assert!(call.faulted);
}

#[tokio::test]
async fn recorded_errors_are_scripted_with_all_their_keys() {
    let probe = Probe::small();
    for (status, error) in whole_errors() {
        assert_told(&probe, status, &error).await;
    }
}

#[tokio::test]
async fn every_code_is_scripted_with_its_status_subcode_and_text() {
    let probe = Probe::small();
    for (status, code, subcode, message) in CODES {
        let mut error = json!({"message": message, "type": "OAuthException", "code": code});
        if let Some(subcode) = subcode {
            error["error_subcode"] = json!(subcode);
        }
        assert_told(&probe, status, &error).await;
    }
    for code in OTHER_CODES {
        let error = json!({"message": "An error", "type": "Exception", "code": code});
        assert_told(&probe, 400, &error).await;
    }
    probe.ok(&format!("/{ACCOUNT}")).await;
}

#[tokio::test]
async fn a_localized_error_keeps_missing_texts_missing() {
    let probe = Probe::small();
    let fault = Fault::on(Match::any())
        .error(24, Some(2_207_024), "The requested resource does not exist")
        .error_user_title("No such hashtag");
    probe
        .simulator
        .inject(fault.localized("Kein solcher Hashtag"));
    let error = probe.get("/me").await.body["error"].clone();
    assert_eq!(error["error_user_title"], "Kein solcher Hashtag");
    assert_eq!(error["message"], "Kein solcher Hashtag");
    assert!(error.get("error_user_msg").is_none());
}
