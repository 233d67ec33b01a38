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
        (100, Some(2_207_023), "", 0, Mistake),
        (100, Some(2_207_028), "", 0, Mistake),
        (100, Some(2_207_035), "", 0, Mistake),
        (100, Some(2_207_036), "", 0, Mistake),
        (100, Some(2_207_037), "", 0, Mistake),
        (100, Some(2_207_040), "", 0, Mistake),
        (102, None, "", 0, StopCredential),
        (102, Some(463), "", 0, StopCredential),
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
        (190, Some(452), "", 0, StopCredential),
        (190, Some(463), "", 0, StopCredential),
        (200, Some(1), "", 0, Disable),
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
        (2500, None, "Unknown path components: /media", 0, Mistake),
        (
            2500,
            None,
            "An active access token must be used to query information about the current user.",
            0,
            StopCredential,
        ),
        (
            2635,
            None,
            "(#2635) You are calling a deprecated version of the Ads API.",
            0,
            StopCredential,
        ),
        (2635, Some(1), "", 0, StopCredential),
        (3001, Some(1_504_028), "No metric was specified", 0, Mistake),
        (
            9005,
            Some(1_452_042),
            "Video content was not found.",
            0,
            drop(&["copyright_check_information"]),
        ),
        (9009, None, "", 0, Skip(super::Skip::Gone)),
        (9, Some(2_207_042), "", 2, Fail),
        (352, Some(2_207_026), "", 2, Fail),
        (9004, Some(2_207_052), "", 2, Fail),
        (9007, Some(2_207_027), "", 2, Fail),
        (36_000, Some(2_207_004), "", 2, Fail),
        (36_001, Some(2_207_005), "", 2, Fail),
        (36_002, None, "", 2, Fail),
        (36_003, Some(2_207_009), "", 2, Fail),
        (36_004, Some(2_207_010), "", 2, Fail),
        (506, None, "", 2, Fail),
        (1_609_005, None, "", 2, Fail),
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
fn the_reason_may_hide_in_the_texts_for_people() {
    let cases: &[(i64, Option<i64>, &str, &str, Reaction)] = &[
        (
            1,
            None,
            "An unknown error occurred",
            "Please reduce the amount of data you're asking for",
            Shrink,
        ),
        (
            100,
            Some(33),
            "Invalid parameter",
            "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions",
            Skip(super::Skip::Gone),
        ),
        (
            100,
            None,
            "Invalid parameter",
            "The Media Insights API does not support the views, reach metric for this media product type.",
            drop(&["views", "reach"]),
        ),
        (
            100,
            None,
            "Invalid parameter",
            "metric[1] must be one of the following values: reach, views",
            DropMetric(1),
        ),
        (
            100,
            None,
            "Invalid parameter",
            "Invalid appsecret_proof provided in the API argument",
            StopCredential,
        ),
    ];
    for (code, error_subcode, message, told, reaction) in cases {
        let error = ErrorBody {
            code: *code,
            error_subcode: *error_subcode,
            message: (*message).to_owned(),
            error_user_msg: Some((*told).to_owned()),
            ..ErrorBody::default()
        };
        assert_eq!(judge(&error).reaction, *reaction, "{told}");
    }
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
    assert_eq!(code(r#"{"error":{"code":4,"error_data":"x"}}"#), Some(4));
    assert_eq!(code(r#"{"data":[]}"#), None);
    assert_eq!(code("<html>"), None);
    assert_eq!(code(""), None);
}
