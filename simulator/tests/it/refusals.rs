//! What is refused whoever asks, and in which words.

use igsync_simulator::{MediaType, NestedRefusal, Rules, WorldSpec};
use serde_json::json;

use crate::probe::{ACCOUNT, Probe, TOKEN, refusal};

#[tokio::test]
async fn an_unknown_field_refuses_the_whole_request() {
    let probe = Probe::small();
    let expected = refusal(
        400,
        100,
        None,
        "(#100) Tried accessing nonexisting field (account_type)",
    );
    assert_eq!(
        probe
            .refused(&format!("/{ACCOUNT}?fields=id,account_type"))
            .await,
        expected
    );
    let nested = probe
        .refused(&format!(
            "/{ACCOUNT}/media?fields=id,comments{{id,nonsense}}"
        ))
        .await;
    assert_eq!(
        nested.message,
        "(#100) Tried accessing nonexisting field (nonsense)"
    );
    let empty = probe
        .ok(&format!(
            "/{ACCOUNT}/media?fields=created_at,id&since=2009-01-01&until=2009-02-01"
        ))
        .await;
    assert_eq!(
        empty,
        json!({"data": []}),
        "recorded: nothing is refused where nothing is listed"
    );
    let rules = Rules {
        name_node_type: true,
        ..Rules::default()
    };
    let naming = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    });
    let message = naming
        .refused(&format!("/{ACCOUNT}?fields=account_type"))
        .await
        .message;
    assert_eq!(
        message,
        "(#100) Tried accessing nonexisting field (account_type) on node type (IGUser)"
    );
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let probe = Probe::small();
    assert_eq!(
        probe
            .ids(&format!(
                "/{ACCOUNT}/media?limit=3&from_id=1&time_increment=1&pretty=0"
            ))
            .await
            .len(),
        3
    );
}

/// What v26.0 has removed changes nothing, and windows of time mean nothing where nothing happens in time.
#[tokio::test]
async fn removed_features_and_ranges_elsewhere_are_ignored() {
    let probe = Probe::demo();
    for path in [
        format!("/{ACCOUNT}?fields=id,username"),
        format!("/{ACCOUNT}/stories?fields=id,timestamp"),
        format!("/{ACCOUNT}/media?limit=2&fields=id,timestamp"),
    ] {
        let plain = probe.ok(&path).await;
        let ignored = "pretty=1&debug=all&__debug__=1&date_format=U&metadata=1";
        let told = probe.ok(&format!("{path}&{ignored}")).await;
        assert_eq!(told.get("data"), plain.get("data"), "{path}");
        assert_eq!(told["username"], plain["username"]);
        assert!(told.get("__debug__").or(told.get("metadata")).is_none());
        if !path.contains("/media") {
            let told = probe
                .ok(&format!("{path}&since=2009-01-01&until=2009-01-02"))
                .await;
            assert_eq!(told.get("data"), plain.get("data"), "{path}");
        }
    }
    let headers = [
        ("if-none-match", "*"),
        ("if-modified-since", "Mon, 05 Oct 2026 08:00:00 GMT"),
    ];
    let reply = probe.get_with(&format!("/{ACCOUNT}"), &headers).await;
    assert_eq!(reply.status, 200, "no 304");
    assert_eq!(reply.header("etag"), None);
}

#[tokio::test]
async fn a_field_listed_twice_is_a_syntax_error() {
    let message = "Syntax error \"Field id specified more than once. This is only possible before version 2.1\" at character 5: id,id";
    assert_eq!(
        Probe::small()
            .refused(&format!("/{ACCOUNT}?fields=id,id"))
            .await,
        refusal(400, 2500, None, message)
    );
}

#[tokio::test]
async fn multi_id_reads_answer_500_with_code_100() {
    let expected = refusal(
        500,
        100,
        None,
        "The ids query parameter is deprecated in v26.0+",
    );
    let probe = Probe::small();
    assert_eq!(probe.refused("/?ids=1,2").await, expected);
    assert_eq!(probe.refused("/v21.0/?ids=1,2&fields=id").await, expected);
}

#[tokio::test]
async fn unknown_paths_edges_and_objects_are_told_apart() {
    let probe = Probe::small();
    let edge = probe.refused(&format!("/{ACCOUNT}/navigation")).await;
    assert_eq!(
        edge,
        refusal(400, 2500, None, "Unknown path components: /navigation")
    );
    let feed = probe.refused(&format!("/{ACCOUNT}/feed")).await;
    assert_eq!(
        feed,
        refusal(
            400,
            100,
            None,
            "(#100) Tried accessing nonexisting field (feed)"
        )
    );
    let alias = probe.refused("/v25.0/nobody").await;
    assert_eq!(
        alias,
        refusal(
            400,
            803,
            None,
            "(#803) Some of the aliases you requested do not exist: nobody"
        )
    );
    let missing = probe.refused("/17999999999999999").await;
    assert_eq!(
        (missing.status, missing.code, missing.subcode),
        (400, 100, Some(33))
    );
    assert!(
        missing.message.starts_with(
            "Unsupported get request. Object with ID '17999999999999999' does not exist"
        )
    );
    assert_eq!(
        probe.refused("/v99.0/me").await.message,
        "Unknown path components: /me"
    );
}

#[tokio::test]
async fn a_refused_nested_edge_can_also_be_left_out() {
    let rules = Rules {
        nested_refusal: NestedRefusal::KeyMissing,
        ..Rules::default()
    };
    let probe = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    });
    probe
        .world()
        .withdraw_permission(TOKEN, "instagram_manage_comments");
    let body = probe
        .ok(&format!(
            "/{ACCOUNT}/media?fields=id,comments{{id}},media_type"
        ))
        .await;
    assert_eq!(crate::probe::keys(&body["data"][0]), ["id", "media_type"]);
}

#[tokio::test]
async fn too_heavy_a_request_must_be_reduced() {
    let probe = Probe::small();
    let fields = "id,comments.limit(50){id,text,username,timestamp,replies.limit(50){id,text}}";
    let heavy = probe
        .refused(&format!("/{ACCOUNT}/media?limit=100&fields={fields}"))
        .await;
    let message = "Please reduce the amount of data you're asking for, then retry your request";
    assert_eq!(heavy, refusal(500, 1, None, message));
    probe
        .ok(&format!("/{ACCOUNT}/media?limit=10&fields={fields}"))
        .await;
    let rules = Rules {
        max_weight: None,
        ..Rules::default()
    };
    let lenient = Probe::of(WorldSpec {
        rules,
        ..WorldSpec::small(1)
    });
    lenient
        .ok(&format!("/{ACCOUNT}/media?limit=100&fields={fields}"))
        .await;
}

#[tokio::test]
async fn fields_of_other_surfaces_are_refused_in_their_own_way() {
    let probe = Probe::small();
    let image = probe
        .world()
        .media(ACCOUNT)
        .find(|post| post.media_type() == MediaType::Image)
        .unwrap()
        .id();
    let views = probe.refused(&format!("/{image}?fields=view_count")).await;
    let message = "(#36104) You do not have permission to access this field outside of the Business Discovery API.";
    assert_eq!(views, refusal(400, 36104, None, message));
    let copyright = probe
        .refused(&format!("/{image}?fields=copyright_check_information"))
        .await;
    assert_eq!(
        copyright,
        refusal(400, 9005, Some(1_452_042), "Video content was not found.")
    );
}

#[tokio::test]
async fn views_are_told_by_business_discovery_alone() {
    let probe = Probe::demo();
    let of_type = |kind: MediaType| {
        probe
            .world()
            .media(ACCOUNT)
            .find(|post| post.media_type() == kind)
            .unwrap()
            .id()
    };
    let album = of_type(MediaType::CarouselAlbum);
    let mention = probe.world().mentioned_media(ACCOUNT).next().unwrap().id();
    for question in [
        format!("/{}?fields=view_count", of_type(MediaType::Video)),
        format!("/{ACCOUNT}/media?fields=id,view_count"),
        format!("/{ACCOUNT}/tags?fields=id,view_count"),
        format!("/{ACCOUNT}?fields=mentioned_media.media_id({mention}){{view_count}}"),
        format!("/{album}/children?fields=view_count"),
        format!("/{album}?fields=children{{view_count}}"),
    ] {
        assert_eq!(probe.refused(&question).await.code, 36104, "{question}");
    }
}

#[tokio::test]
async fn writing_is_not_supported() {
    let probe = Probe::small();
    let reply = probe
        .post(
            &format!("/{ACCOUNT}/media"),
            &[("access_token", TOKEN), ("image_url", "x")],
        )
        .await;
    let refusal = reply.refusal().unwrap();
    assert_eq!((refusal.code, refusal.subcode), (100, Some(33)));
    assert!(refusal.message.starts_with("Unsupported post request."));
    let read = probe
        .post(
            &format!("/{ACCOUNT}"),
            &[
                ("access_token", TOKEN),
                ("method", "get"),
                ("fields", "username"),
            ],
        )
        .await;
    assert_eq!(read.body["username"], "sim.account.1");
}

#[tokio::test]
async fn broken_fields_are_syntax_errors() {
    let probe = Probe::small();
    for (fields, told) in [
        ("id,", "Expected name.\" at character 3"),
        ("media{id", "Expected \"}\".\" at character 8"),
        ("media.limit(5", "Expected \")\".\" at character 12"),
        ("media.limit", "Expected \"(\".\" at character 11"),
        (
            "id}",
            "Expected end of string instead of \"}\".\" at character 2",
        ),
        ("media{}", "Expected name.\" at character 6"),
    ] {
        let refused = probe.refused(&format!("/{ACCOUNT}?fields={fields}")).await;
        let told = format!("Syntax error \"{told}: {fields}");
        assert_eq!(refused, refusal(400, 2500, None, &told));
    }
}

#[tokio::test]
async fn what_a_question_lacks_or_has_wrong_is_named() {
    let probe = Probe::demo();
    let totals = "period=lifetime&metric_type=total_value";
    let engaged = format!("insights?metric=engaged_audience_demographics&{totals}");
    for (question, told) in [
        (
            "insights?metric=reach",
            "(#100) The parameter period is required",
        ),
        (
            "insights?period=day",
            "(#100) The parameter metric is required",
        ),
        (
            "insights?metric=reach&period=day&metric_type=total_value&breakdown=planet",
            "(#100) breakdown[0] must be one of the following values: media_product_type, follow_type, follower_type, \
             contact_button_type, age, city, country, gender",
        ),
        (
            &format!("{engaged}&breakdown=age&timeframe=last_30_days"),
            "(#100) timeframe must be one of the following values: this_week, this_month",
        ),
        (&engaged, "(#100) The parameter timeframe is required"),
        (
            "catalog_product_search",
            "(#100) The parameter catalog_id is required",
        ),
        (
            "product_appeal",
            "(#100) The parameter product_id is required",
        ),
        ("media?since=some-day", "Invalid parameter"),
        (
            "?fields=business_discovery{id}",
            "(#100) The parameter username is required",
        ),
        (
            "?fields=mentioned_media{id}",
            "(#100) The parameter media_id is required",
        ),
    ] {
        let path = format!("/{ACCOUNT}/{question}").replace("/?", "?");
        assert_eq!(probe.refused(&path).await, refusal(400, 100, None, told));
    }
    for (question, lacks) in [
        ("q=sourdough".to_owned(), "user_id"),
        (format!("user_id={ACCOUNT}"), "q"),
    ] {
        let told = format!("(#100) The parameter {lacks} is required");
        let path = format!("/ig_hashtag_search?{question}");
        assert_eq!(probe.refused(&path).await, refusal(400, 100, None, &told));
    }
    let post = probe.world().media(ACCOUNT).next().unwrap().id();
    let told = "No metric was specified to be fetched. Please specify one or more metrics to be fetched and try again.";
    assert_eq!(
        probe.refused(&format!("/{post}/insights")).await,
        refusal(400, 3001, Some(1_504_028), told)
    );
    let told = "(#210) A page access token is required to request this resource.";
    let path = "/134895793791901/conversations?platform=instagram";
    assert_eq!(
        probe.refused(path).await,
        refusal(400, 210, None, told),
        "a user's token"
    );
    let nobody = format!("/{ACCOUNT}?fields=business_discovery.username(nobody){{id}}");
    let error = probe.get(&nobody).await.body["error"].clone();
    assert_eq!(error["error_user_title"], "Cannot find User");
    assert_eq!(
        error["error_user_msg"],
        "The user with username: nobody cannot be found."
    );
}
