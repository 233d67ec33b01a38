//! What a token may do: expiry, proof, permissions, tasks, reach.

use chrono::TimeDelta;
use igsync_simulator::{PageReach, Revocation, TokenSpec, WorldSpec};
use serde_json::json;

use crate::probe::{ACCOUNT, Probe, TOKEN, refusal};

fn with_token(change: impl FnOnce(&mut TokenSpec)) -> Probe {
    let mut spec = WorldSpec::small(1);
    change(&mut spec.tokens[0]);
    Probe::of(spec)
}

#[tokio::test]
async fn dead_tokens_are_refused_with_190() {
    let probe = Probe::small();
    let unknown = probe.get("/me?access_token=made-up").await;
    assert_eq!(
        unknown.refusal().unwrap(),
        refusal(400, 190, None, "The access token could not be decrypted")
    );
    assert!(
        unknown
            .header("www-authenticate")
            .unwrap()
            .starts_with("OAuth \"Facebook Platform\" \"invalid_token\"")
    );
    let none = probe.refused("/me?no_token&fields=id").await;
    assert_eq!(none.code, 2500);
    assert_eq!(
        probe
            .refused(&format!("/{ACCOUNT}?no_token&fields=id"))
            .await
            .code,
        104
    );
    let page_token =
        probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"].clone();
    for (why, subcode, reason) in [
        (
            Revocation::AppRemoved,
            458,
            "The user has not authorized application 138483919580948.",
        ),
        (
            Revocation::Checkpointed,
            459,
            "You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
        ),
        (
            Revocation::PasswordChanged,
            460,
            "The session has been invalidated because the user changed their password or Facebook has changed the \
             session for security reasons.",
        ),
        (
            Revocation::Unconfirmed,
            464,
            "Sessions for the user are not allowed because the user is not a confirmed user.",
        ),
        (
            Revocation::Invalid,
            467,
            "This may be because the user logged out or may be due to a system error.",
        ),
    ] {
        probe.world().revoke_token(TOKEN, why);
        let told = format!("Error validating access token: {reason}");
        assert_eq!(
            probe.refused("/me").await,
            refusal(400, 190, Some(subcode), &told)
        );
    }
    let page = probe
        .refused(&format!(
            "/me?access_token={}",
            page_token.as_str().unwrap()
        ))
        .await;
    assert_eq!(
        page.code, 190,
        "page tokens die with the token they come from"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_expires_in_the_recorded_words() {
    let mut spec = WorldSpec::small(1);
    spec.tokens[0].expires_at = Some(spec.epoch + TimeDelta::hours(1));
    let probe = Probe::of(spec);
    probe.ok("/me").await;
    tokio::time::advance(std::time::Duration::from_secs(7200)).await;
    let expected = "Error validating access token: Session has expired on Monday, 05-Oct-26 02:00:00 PDT. The current time is Monday, 05-Oct-26 03:00:00 PDT.";
    assert_eq!(
        probe.refused("/me").await,
        refusal(400, 190, Some(463), expected)
    );
}

#[tokio::test]
async fn without_data_access_a_token_still_authenticates_but_reads_nothing() {
    let probe =
        with_token(|token| token.data_access_expires_at = Some(chrono::DateTime::UNIX_EPOCH));
    probe.ok("/me").await;
    assert_eq!(
        probe
            .refused(&format!("/{ACCOUNT}?fields=username"))
            .await
            .code,
        10
    );
}

#[tokio::test]
async fn the_proof_must_fit_the_token_and_may_be_required() {
    let right = "1d9d0b7b7f4b1b7d2b5b1f7f4a3f6c22";
    let wrong = Probe::small()
        .refused(&format!("/me?appsecret_proof={right}"))
        .await;
    assert_eq!(
        wrong,
        refusal(
            400,
            100,
            None,
            "Invalid appsecret_proof provided in the API argument"
        )
    );
    let mut spec = WorldSpec::small(1);
    spec.app.require_proof = true;
    spec.app.secret = "key".to_owned();
    spec.tokens[0].token = "The quick brown fox jumps over the lazy dog".to_owned();
    let probe = Probe::of(spec);
    let token = "access_token=The+quick+brown+fox+jumps+over+the+lazy+dog";
    let missing = probe.refused(&format!("/me?{token}")).await;
    assert_eq!(
        missing,
        refusal(
            400,
            100,
            None,
            "API calls from the server require an appsecret_proof argument"
        )
    );
    let known_hmac = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
    probe
        .ok(&format!("/me?{token}&appsecret_proof={known_hmac}"))
        .await;
}

#[tokio::test]
async fn missing_permissions_are_refused() {
    let action = "(#10) Application does not have permission for this action";
    let probe = with_token(|token| {
        token.permissions.remove("instagram_manage_comments");
    });
    let post = probe
        .world()
        .media(ACCOUNT)
        .find(|post| post.comments().count() > 0)
        .unwrap()
        .id();
    assert_eq!(
        probe.refused(&format!("/{post}/comments")).await,
        refusal(400, 10, None, action)
    );
    let nested = format!("/{ACCOUNT}/media?fields=id,comments{{id}}");
    assert_eq!(
        probe.refused(&nested).await,
        refusal(400, 10, None, action),
        "a nested refusal refuses the page"
    );
    let probe = with_token(|token| {
        token.permissions.remove("instagram_basic");
    });
    assert_eq!(probe.refused(&format!("/{ACCOUNT}/media")).await.code, 10);
    assert_eq!(
        probe
            .refused(&format!("/{ACCOUNT}?fields=username"))
            .await
            .code,
        10
    );
}

#[tokio::test]
async fn the_task_on_the_page_must_carry_the_permission() {
    let probe = Probe::small();
    let page = "134895793791901";
    let post = probe.world().media(ACCOUNT).next().unwrap().id();
    assert!(probe.world().set_tasks(page, &["ANALYZE"]));
    assert_eq!(probe.refused(&format!("/{post}/comments")).await.code, 10);
    assert!(probe.world().set_tasks(page, &["MODERATE"]));
    probe.ok(&format!("/{post}/comments")).await;
    assert!(probe.world().set_tasks(page, &["PROFILE_PLUS_ANALYZE"]));
    assert_eq!(probe.refused(&format!("/{post}/comments")).await.code, 10);
    let listed = probe.ok("/me/accounts?fields=tasks").await;
    assert_eq!(listed["data"][0]["tasks"], json!(["PROFILE_PLUS_ANALYZE"]));
}

#[tokio::test]
async fn without_a_role_on_the_page_its_token_dies_and_it_is_not_listed() {
    let probe = Probe::small();
    let pages = probe.ok("/me/accounts?fields=id,access_token").await;
    let page = pages["data"][0]["id"].as_str().unwrap();
    let token = pages["data"][0]["access_token"].as_str().unwrap();
    let me = format!("/me?access_token={token}");
    probe.ok(&me).await;
    probe.world().set_tasks(page, &[]);
    let text = "The user must be an administrator of the page in order to impersonate it.";
    assert_eq!(probe.refused(&me).await, refusal(400, 190, Some(492), text));
    let listed = probe.ids("/me/accounts").await;
    assert!(!listed.is_empty() && !listed.contains(&page.to_owned()));
    let account = probe.refused(&format!("/{ACCOUNT}")).await;
    assert_eq!((account.code, account.subcode), (100, Some(33)));
    probe.world().set_tasks(page, &["ANALYZE"]);
    probe.ok(&me).await;
}

#[tokio::test]
async fn captions_lose_their_at_sign_unless_the_user_manages_the_page() {
    let probe = Probe::small();
    let mentions =
        |post: &igsync_simulator::Media<'_>| post.caption().is_some_and(|text| text.contains('@'));
    let post = probe.world().media(ACCOUNT).find(mentions).unwrap().id();
    probe
        .world()
        .set_tasks("134895793791901", &["CREATE_CONTENT"]);
    let caption = probe.ok(&format!("/{post}?fields=caption")).await["caption"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!caption.contains('@'), "{caption}");
}

#[tokio::test]
async fn other_peoples_pages_and_accounts_look_as_if_they_did_not_exist() {
    let probe =
        with_token(|token| token.pages = PageReach::Only(["134895793791902".to_owned()].into()));
    let refusal = probe.refused(&format!("/{ACCOUNT}?fields=username")).await;
    assert_eq!((refusal.code, refusal.subcode), (100, Some(33)));
    assert_eq!(probe.refused("/134895793791901").await.subcode, Some(33));
    assert_eq!(probe.ids("/me/accounts").await, ["134895793791902"]);
}

#[tokio::test]
async fn an_unlinked_account_disappears_from_its_page() {
    let probe = Probe::small();
    probe.world().link_account(ACCOUNT, false);
    let body = probe
        .ok("/me/accounts?fields=instagram_business_account")
        .await;
    assert!(body["data"][0].get("instagram_business_account").is_none());
    assert_eq!(
        probe.refused(&format!("/{ACCOUNT}")).await.subcode,
        Some(33)
    );
    probe.world().link_account(ACCOUNT, true);
    probe.ok(&format!("/{ACCOUNT}")).await;
}

#[tokio::test]
async fn without_pages_show_list_no_page_is_listed() {
    let probe = Probe::small();
    probe.world().withdraw_permission(TOKEN, "pages_show_list");
    assert_eq!(probe.get("/me/accounts").await.text, r#"{"data":[]}"#);
}

#[tokio::test]
async fn a_business_role_without_business_management_sees_no_pages_and_no_error() {
    let probe = with_token(|token| {
        token.role_from_business = true;
        token.permissions.remove("business_management");
    });
    assert_eq!(probe.get("/me/accounts").await.text, r#"{"data":[]}"#);
}

#[tokio::test]
async fn a_page_is_read_with_either_of_two_permissions() {
    let page = "/134895793791901?fields=name";
    for sufficient in ["pages_show_list", "pages_read_engagement"] {
        let probe = Probe::small();
        probe.world().withdraw_permission(TOKEN, sufficient);
        probe.ok(page).await;
    }
    let probe = Probe::small();
    let token = probe.ok("/me/accounts?fields=access_token").await["data"][0]["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    probe.world().withdraw_permission(TOKEN, "pages_show_list");
    probe
        .world()
        .withdraw_permission(TOKEN, "pages_read_engagement");
    for page in [page.to_owned(), format!("/me?access_token={token}")] {
        let refused = probe.refused(&page).await;
        assert_eq!(
            (refused.status, refused.code, refused.subcode),
            (400, 100, None)
        );
        assert!(refused.message.starts_with(
            "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature"
        ));
    }
}

/// The table of permissions by endpoint group.
#[tokio::test]
async fn each_endpoint_needs_every_permission_of_its_group() {
    let basic = ["instagram_basic", "pages_read_engagement"];
    let comments = [&basic[..], &["instagram_manage_comments"]].concat();
    let insights = [&basic[..], &["instagram_manage_insights"]].concat();
    let publishing = [&basic[..], &["instagram_content_publish"]].concat();
    let shopping = [
        "catalog_management",
        "instagram_shopping_tag_products",
        "instagram_basic",
    ];
    let messages = [
        "instagram_basic",
        "instagram_manage_messages",
        "pages_manage_metadata",
    ];
    let mut spec = WorldSpec::demo(7);
    spec.meters.conversation_calls_per_second = 1_000;
    let probe = Probe::of(spec);
    let world = probe.world();
    let page = probe.ok("/me/accounts?fields=id,access_token").await["data"][0].clone();
    let (page, token) = (
        page["id"].as_str().unwrap(),
        page["access_token"].as_str().unwrap(),
    );
    let post = |fits: fn(&igsync_simulator::Media<'_>) -> bool| {
        let mut posts = world.media(ACCOUNT).filter(|post| !post.is_deleted());
        posts.find(fits).unwrap().id()
    };
    let album = post(|post| post.children().count() > 1);
    let commented = post(|post| post.comments().count() > 0);
    let comment = world.comments(&commented).next().unwrap().id();
    let has_viewers = |story: &igsync_simulator::Media<'_>| {
        let reach = story.insight("reach").and_then(|reach| reach.as_i64());
        reach.is_some_and(|reach| reach > 5)
    };
    let story = world.stories(ACCOUNT).find(has_viewers).unwrap().id();
    let mention = world.mentioned_media(ACCOUNT).next().unwrap().id();
    let mentioning = world.mentioning_comments(ACCOUNT).next().unwrap().id();
    let conversation = world.conversations(ACCOUNT).next().unwrap();
    let message = conversation.messages().next().unwrap().id();
    let conversation = conversation.id();
    let (hashtag, ours) = (
        world.hashtag_id("sourdough").unwrap(),
        format!("access_token={token}"),
    );
    let mut otherwise = Vec::new();
    for (path, needed) in [
        (format!("/{ACCOUNT}?fields=username"), &basic[..]),
        (format!("/{ACCOUNT}/media"), &basic),
        (format!("/{ACCOUNT}/stories"), &basic),
        (format!("/{ACCOUNT}/live_media"), &basic),
        (format!("/{ACCOUNT}/collaborative_media"), &basic),
        (format!("/{ACCOUNT}/collaboration_invites"), &basic),
        (format!("/{album}?fields=caption"), &basic),
        (format!("/{album}/children"), &basic),
        (format!("/{album}/collaborators"), &basic),
        (format!("/{ACCOUNT}/content_publishing_limit"), &publishing),
        (format!("/{commented}/comments"), &comments),
        (format!("/{comment}?fields=text"), &comments),
        (format!("/{comment}/replies"), &comments),
        (format!("/{ACCOUNT}/tags"), &comments),
        (
            format!("/{ACCOUNT}?fields=mentioned_media.media_id({mention}){{id}}"),
            &comments,
        ),
        (
            format!("/{ACCOUNT}?fields=mentioned_comment.comment_id({mentioning}){{id}}"),
            &comments,
        ),
        (
            format!("/{ACCOUNT}/insights?metric=reach&period=day"),
            &insights,
        ),
        (format!("/{album}/insights?metric=reach"), &insights),
        (format!("/{story}/insights?metric=reach"), &insights),
        (
            format!("/{ACCOUNT}?fields=business_discovery.username(sim.account.900){{id}}"),
            &insights,
        ),
        (
            format!("/ig_hashtag_search?user_id={ACCOUNT}&q=sourdough"),
            &basic[..1],
        ),
        (
            format!("/{hashtag}/top_media?user_id={ACCOUNT}"),
            &basic[..1],
        ),
        (
            format!("/{hashtag}/recent_media?user_id={ACCOUNT}"),
            &basic[..1],
        ),
        (format!("/{ACCOUNT}/available_catalogs"), &shopping),
        (format!("/{album}/product_tags"), &shopping),
        (
            format!("/{page}/conversations?platform=instagram&{ours}"),
            &messages,
        ),
        (format!("/{conversation}/messages?{ours}"), &messages),
        (format!("/{message}?fields=message&{ours}"), &messages),
    ] {
        assert_eq!(probe.get(&path).await.status, 200, "{path}");
        for permission in needed {
            world.withdraw_permission(TOKEN, permission);
            let code = probe.get(&path).await.refusal().map(|refused| refused.code);
            let is_about_insights = *permission == "instagram_manage_insights";
            if code != Some(if is_about_insights { 200 } else { 10 }) {
                otherwise.push(format!("{path} without {permission}: {code:?}"));
            }
            world.grant_permission(TOKEN, permission);
        }
    }
    assert_eq!(otherwise, [""; 0]);
}
