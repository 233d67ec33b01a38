//! Recorded errors: each is provoked here and compared.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use igsync_simulator::{Fault, Match, Media, MediaType, MeterSpec, Pool, ProductType, WorldSpec};
use serde_json::{Value, json};

use crate::probe::{ACCOUNT, Probe, Reply, TOKEN, keys};
use crate::recordings::recorded;

/// What is told here where a recording was made, and the keys of which it is known that they differ, and why.
struct Provoked {
    reply: Reply,
    known: &'static [(&'static str, &'static str)],
}

const NOT_QUOTED: (&str, &str) = ("fbtrace_id", "whoever quoted the error left it out");

/// The same keys with the same values, but for the trace id and what is known to differ.
fn assert_alike(provoked: &Provoked, status: &Value, recorded: &Value) {
    let told = &provoked.reply.body["error"];
    let mut differing: BTreeSet<&str> = BTreeSet::new();
    for key in keys(told).into_iter().chain(keys(recorded)) {
        let (ours, theirs) = (told.get(key), recorded.get(key));
        let both = key == "fbtrace_id" && ours.is_some() && theirs.is_some();
        if ours != theirs && !both {
            differing.insert(key);
        }
    }
    let known: BTreeSet<&str> = provoked.known.iter().map(|(key, _)| *key).collect();
    assert_eq!(differing, known, "recorded {recorded}, told {told}");
    if !status.is_null() {
        assert_eq!(&json!(provoked.reply.status), status, "{recorded}");
    }
}

#[tokio::test(start_paused = true)]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn every_recorded_error_is_told_here_in_its_words() {
    let errors = recorded("errors.json");
    for error in errors.as_array().unwrap() {
        let recorded = &error["body"]["error"];
        let provoked = match (
            recorded["code"].as_i64().unwrap(),
            recorded["error_subcode"].as_i64(),
        ) {
            (100, Some(2_108_006)) => Provoked {
                reply: about_media(|probe, media| {
                    media.timestamp() < probe.world().now() - TimeDelta::days(61)
                })
                .await,
                known: &[(
                    "error_data",
                    "not quoted here, and told in another recording",
                )],
            },
            (100, None) => feed_video().await.into(),
            (100, Some(33)) => unsupported(recorded).await,
            (10, None) => Provoked {
                reply: quiet_story().await,
                known: &[NOT_QUOTED],
            },
            (4, None) => full(&Pool::PlatformApp).await,
            (17, None) => full(&Pool::PlatformUser("10158000000000001".to_owned())).await,
            (80004, Some(2_446_079)) => {
                let pool = Pool::BucInstagram(ACCOUNT.to_owned());
                let provoked = full(&pool).await;
                let text = recorded["message"].as_str().unwrap();
                let text = text.replace("80004", "80002");
                assert_eq!(
                    provoked.reply.body["error"]["message"],
                    text.replace("ad-account", "Instagram account")
                );
                Provoked {
                    known: &[
                        (
                            "message",
                            "names the sister, an ad account: there are none here",
                        ),
                        ("code", "that of the sister"),
                        ("error_subcode", "none was recorded with 80002"),
                    ],
                    ..provoked
                }
            }
            (190, Some(0)) => expired("2025-12-01T19:00:00Z", 22 * 3600 + 55, 0).await,
            (190, Some(463)) => {
                let provoked = expired("2013-08-08T20:00:00Z", 383, 463).await;
                let begin = "Error validating access token: Session has expired";
                for error in [recorded, &provoked.reply.body["error"]] {
                    assert!(error["message"].as_str().unwrap().starts_with(begin));
                }
                Provoked {
                    known: &[
                        ("message", "that of 2013 told the times in seconds"),
                        NOT_QUOTED,
                    ],
                    ..provoked
                }
            }
            (2, None) => scripted(recorded).await.into(),
            (code, subcode) => panic!("{code}/{subcode:?} is compared with nothing"),
        };
        assert_alike(&provoked, &error["http_status"], recorded);
    }
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_error_bodies_are_told_here() {
    let page = Probe::small();
    for permission in ["pages_show_list", "pages_read_engagement"] {
        page.world().withdraw_permission(TOKEN, permission);
    }
    let basic = Probe::small();
    let post = basic.world().media(ACCOUNT).next().unwrap().id();
    basic.world().withdraw_permission(TOKEN, "instagram_basic");
    let converted =
        about_media(|probe, media| media.timestamp() < probe.world().now() - TimeDelta::days(61));
    for (file, reply, known) in [
        (
            "python-facebook/error_data.json",
            page.get("/134895793791901?fields=name").await,
            &[][..],
        ),
        (
            "rust-crate/err__access_token_invalid_1.json",
            page.get("/me?access_token=made-up").await,
            &[],
        ),
        (
            "airbyte/media_insights_for_error_with_wrong_permissions_code_10.json",
            basic.get(&format!("/{post}/insights?metric=reach")).await,
            &[],
        ),
        (
            "airbyte/media_insights_for_error_posted_before_business.json",
            converted.await,
            &[(
                "error_user_title",
                "in small letters here; `errors.json` has it as it is told",
            )],
        ),
    ] {
        let provoked = Provoked { reply, known };
        assert_alike(&provoked, &json!(400), &recorded(file)["error"]);
    }
}

impl From<Reply> for Provoked {
    fn from(reply: Reply) -> Self {
        Self { reply, known: &[] }
    }
}

/// A world in which insights are refused in every recorded way.
fn refusing() -> Probe {
    let mut spec = WorldSpec::demo(3);
    let account = spec.pages[0].account.as_mut().unwrap();
    account.converted_at = Some(spec.epoch - TimeDelta::days(60));
    account.quiet_stories_per_mille = 1000;
    spec.pages[1].account.as_mut().unwrap().videos_per_mille = 300;
    Probe::of(spec)
}

async fn about_media(fits: impl Fn(&Probe, &Media<'_>) -> bool) -> Reply {
    let probe = refusing();
    let mut media = probe.world().media(ACCOUNT);
    let media = media.find(|media| fits(&probe, media)).unwrap().id();
    probe.get(&format!("/{media}/insights?metric=reach")).await
}

async fn feed_video() -> Reply {
    let probe = refusing();
    let is_feed_video = |media: &Media<'_>| {
        media.media_type() == MediaType::Video && media.media_product_type() == ProductType::Feed
    };
    let mut media = probe.world().media("17841400000000002");
    let video = media.find(is_feed_video).unwrap().id();
    probe
        .get(&format!("/{video}/insights?metric=reach,saved,views"))
        .await
}

async fn quiet_story() -> Reply {
    let probe = refusing();
    let story = probe.world().stories(ACCOUNT).next().unwrap().id();
    probe.get(&format!("/{story}/insights?metric=reach")).await
}

async fn unsupported(recorded: &Value) -> Provoked {
    let reply = Probe::small().get("/18066122755137560").await;
    if recorded["type"] == "GraphMethodException" {
        return reply.into();
    }
    // Told by another API, with the id and the end of the text left out by whoever quoted it.
    let told = reply.body["error"]["message"].as_str().unwrap();
    let expected = recorded["message"].as_str().unwrap();
    assert!(told.starts_with(&expected.replace("MEDIA-ID", "18066122755137560")));
    Provoked {
        reply,
        known: &[
            ("message", "quoted without the id and without the end"),
            ("type", "that of another API"),
        ],
    }
}

/// A call against a full pool.
async fn full(pool: &Pool) -> Provoked {
    let meters = MeterSpec {
        app_users: 1,
        platform_user_calls: 10,
        buc_instagram_calls: Some(10),
        ..MeterSpec::default()
    };
    let probe = Probe::of(WorldSpec {
        meters,
        ..WorldSpec::small(1)
    });
    probe.simulator.consume(pool, 1_000);
    let question = match pool {
        Pool::PlatformApp => {
            format!("/{ACCOUNT}?fields=business_discovery.username(sim.account.2){{id}}")
        }
        Pool::PlatformUser(_) => "/me".to_owned(),
        _ => format!("/{ACCOUNT}"),
    };
    probe.get(&question).await.into()
}

/// A call some seconds after the end of the token.
async fn expired(at: &str, seconds: u64, subcode: i64) -> Provoked {
    let ends: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
    let mut spec = WorldSpec {
        epoch: ends - TimeDelta::seconds(5),
        ..WorldSpec::small(1)
    };
    spec.rules.expired_token_subcode = subcode;
    spec.tokens[0].expires_at = Some(ends);
    let probe = Probe::of(spec);
    tokio::time::advance(Duration::from_secs(seconds + 5)).await;
    probe.get("/me").await.into()
}

/// Nothing provokes it but a script.
async fn scripted(recorded: &Value) -> Reply {
    let text = recorded["message"].as_str().unwrap();
    let fault = Fault::on(Match::any()).error(2, None, text);
    let probe = Probe::small();
    probe.simulator.inject(fault.is_transient(true).status(500));
    probe.get("/me").await
}
