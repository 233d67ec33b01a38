//! Recorded nodes and lists: the same fields are asked for again, and whole bodies are compared, `paging` included.

use igsync_simulator::{Comment, Media, MediaType, Rules, WorldSpec};
use serde_json::Value;

use crate::probe::{ACCOUNT, Probe};
use crate::recordings::{assert_same_shape, fields_of, recorded, shape_of};

/// A recorded body, and the question that must be answered alike.
struct Case {
    file: &'static str,
    /// Where the recorded objects stand whose keys are asked for in place of `FIELDS`.
    objects: &'static str,
    /// The part of the recording that the API told; the rest was put around it by a test.
    body: &'static str,
    question: String,
    /// What is known to differ, and why.
    known: &'static [(&'static str, &'static str)],
}

impl Case {
    fn of(file: &'static str, objects: &'static str, question: String) -> Self {
        Self {
            file,
            objects,
            body: "",
            question,
            known: &[],
        }
    }

    /// Only a part of the recording is an answer.
    fn inside(mut self, body: &'static str) -> Self {
        (self.body, self.objects) = (body, body);
        self
    }

    fn knowing(mut self, known: &'static [(&'static str, &'static str)]) -> Self {
        self.known = known;
        self
    }

    async fn compare(&self, probe: &Probe) {
        let recording = recorded(self.file);
        let objects = recording.pointer(self.objects).unwrap();
        let objects: Vec<&Value> = objects
            .as_array()
            .map_or_else(|| vec![objects], |items| items.iter().collect());
        let question = self.question.replace("FIELDS", &fields_of(&objects));
        let told = shape_of(&probe.ok(&question).await);
        let expected = shape_of(recording.pointer(self.body).unwrap());
        let whose = format!("{}: {question}", self.file);
        assert_same_shape(&told, &expected, self.known, &whose);
    }
}

/// A world in which everything exists.
fn everything(rules: Rules) -> Probe {
    let mut spec = WorldSpec::demo(3);
    spec.meters.conversation_calls_per_second = 100;
    spec.rules = rules;
    Probe::of(spec)
}

fn media<'w>(probe: &'w Probe, fits: impl Fn(&Media<'w>) -> bool) -> String {
    probe.world().media(ACCOUNT).find(fits).unwrap().id()
}

/// An album with a photo and a video.
fn album(probe: &Probe) -> String {
    media(probe, |album| {
        let has = |kind| album.children().any(|child| child.media_type() == kind);
        has(MediaType::Image) && has(MediaType::Video)
    })
}

fn photo(probe: &Probe) -> String {
    let is_told = |media: &Media<'_>| media.caption().is_some() && media.media_url_path().is_some();
    media(probe, |media| {
        media.media_type() == MediaType::Image && is_told(media)
    })
}

/// A comment with replies, which is not the oldest of its post.
fn replied_comment<'w>(probe: &'w Probe, media: &Media<'w>) -> Option<Comment<'w>> {
    let mut comments: Vec<_> = probe.world().comments(&media.id()).collect();
    comments.pop();
    let mut comments = comments.into_iter();
    comments.find(|comment| comment.replies().count() > 0)
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_nodes_have_the_key_sets_and_types_that_are_told_here() {
    let probe = everything(Rules::default());
    let (album, photo) = (album(&probe), photo(&probe));
    let mut media = probe.world().media(ACCOUNT);
    let comment = media.find_map(|media| replied_comment(&probe, &media));
    let comment = comment.unwrap().id();
    let mention = probe.world().mentioned_media(ACCOUNT).next().unwrap().id();
    let hashtag = probe
        .ids(&format!("/ig_hashtag_search?user_id={ACCOUNT}&q=sourdough"))
        .await[0]
        .clone();
    let child = probe.ids(&format!("/{album}/children")).await[0].clone();
    let discovery = |fields: &str| {
        format!("/{ACCOUNT}?fields=business_discovery.username(sim.account.900){{{fields}}}")
    };
    let of_ids = "python-facebook/medias__medias_fields.json";
    for case in [
        Case::of(
            "airbyte/media_children_for_children.json",
            "",
            format!("/{child}?fields=FIELDS"),
        ),
        Case::of(
            "airbyte/users.json",
            "",
            format!("/{ACCOUNT}?fields=FIELDS"),
        )
        .inside("/data/0"),
        Case::of(
            "python-facebook/users__user_fields.json",
            "",
            format!("/{ACCOUNT}?fields=FIELDS"),
        ),
        Case::of(
            "restfb/instagram__media-image.json",
            "",
            format!("/{photo}?fields=FIELDS"),
        ),
        // Several nodes by ?ids=, which is refused now; each is told by its own address.
        Case::of(of_ids, "", format!("/{photo}?fields=FIELDS")).inside("/17893085207160254"),
        Case::of(of_ids, "", format!("/{album}?fields=FIELDS")).inside("/17896129349106152"),
        Case::of(
            "python-facebook/comments__comment_fields.json",
            "",
            format!("/{comment}?fields=FIELDS"),
        ),
        Case::of(
            "restfb/instagram__comment.json",
            "",
            format!("/{comment}?fields=FIELDS"),
        )
        .knowing(&[
            (
                ".user",
                "told only if the app user wrote the comment, and nobody writes any here",
            ),
            (
                ".media.media_product_type",
                "the page names it, the fixture is older than it",
            ),
        ]),
        Case::of(
            "python-facebook/discovery__user_fields.json",
            "/business_discovery",
            discovery("FIELDS"),
        ),
        Case::of(
            "python-facebook/discovery__medias_p1.json",
            "/business_discovery/media/data",
            discovery("media.limit(100){FIELDS}"),
        ),
        Case::of(
            "rust-crate/ig_user_0__business_discovery__reading__username_bluebottle.json",
            "/business_discovery",
            discovery("FIELDS"),
        ),
        Case::of(
            "python-facebook/hashtags__hashtag_info.json",
            "",
            format!("/{hashtag}?fields=FIELDS"),
        ),
        Case::of(
            "python-facebook/users__mentioned_media.json",
            "/mentioned_media",
            format!("/{ACCOUNT}?fields=mentioned_media.media_id({mention}){{FIELDS}}"),
        ),
    ] {
        case.compare(&probe).await;
    }
}

#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_lists_have_the_key_sets_types_and_cursors_that_are_told_here() {
    let probe = everything(Rules::default());
    let album = album(&probe);
    let mut media = probe.world().media(ACCOUNT);
    let commented = media
        .find(|media| replied_comment(&probe, media).is_some())
        .unwrap();
    let comment = replied_comment(&probe, &commented).unwrap().id();
    let all_but_the_oldest = commented.comments().count() - 1;
    let commented = commented.id();
    let hashtag = probe
        .ids(&format!("/ig_hashtag_search?user_id={ACCOUNT}&q=sourdough"))
        .await[0]
        .clone();
    for case in [
        Case::of(
            "python-facebook/users__medias_p1.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=100&fields=FIELDS"),
        ),
        Case::of(
            "python-facebook/stories__stories_fields_p1.json",
            "/data",
            format!("/{ACCOUNT}/stories?limit=2&fields=FIELDS"),
        ),
        Case::of(
            "python-facebook/medias__children.json",
            "/data",
            format!("/{album}/children?fields=FIELDS"),
        ),
        Case::of(
            "python-facebook/medias__comments_p1.json",
            "/data",
            format!("/{commented}/comments?limit=1"),
        ),
        Case::of(
            "python-facebook/comments__replies.json",
            "/data",
            format!("/{comment}/replies"),
        ),
        Case::of(
            "rust-crate/ig_media_17946328927974136__comments__reading.json",
            "/data",
            format!("/{commented}/comments?limit={all_but_the_oldest}&fields=FIELDS"),
        ),
        Case::of(
            "python-facebook/users__hashtag_search.json",
            "/data",
            format!("/ig_hashtag_search?user_id={ACCOUNT}&q=sourdough&fields=FIELDS"),
        ),
        Case::of(
            "python-facebook/hashtags__hashtag_recent_medias_p1.json",
            "/data",
            format!("/{hashtag}/recent_media?user_id={ACCOUNT}&limit=5&fields=FIELDS"),
        ),
        Case::of(
            "me_accounts_page_without_instagram.json",
            "/data",
            "/me/accounts?fields=FIELDS".to_owned(),
        ),
    ] {
        case.compare(&probe).await;
    }
}

/// In these fixtures the last page has `before` alone: one of the two forms that were recorded.
#[tokio::test]
#[cfg_attr(not(recordings), ignore = "needs the recordings in ../shared/recorded")]
async fn recorded_last_pages_without_after_are_told_by_a_switch() {
    let rules = Rules {
        last_page_has_after: false,
        max_limit: 1_000,
        ..Rules::default()
    };
    let probe = everything(rules);
    for case in [
        Case::of(
            "airbyte/api.json",
            "/data",
            "/me/accounts?fields=FIELDS".to_owned(),
        ),
        Case::of(
            "airbyte/media.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=1000&fields=FIELDS"),
        ),
        Case::of(
            "airbyte/media_for_reels.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=1000&fields=FIELDS"),
        ),
        Case::of(
            "airbyte/media_for_children.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=1000&fields=FIELDS"),
        ),
        Case::of(
            "airbyte/media_for_carousel_album.json",
            "/data",
            format!("/{ACCOUNT}/media?limit=1000&fields=FIELDS"),
        ),
        Case::of(
            "airbyte/stories.json",
            "/data",
            format!("/{ACCOUNT}/stories?limit=100&fields=FIELDS"),
        ),
    ] {
        case.compare(&probe).await;
    }
}
