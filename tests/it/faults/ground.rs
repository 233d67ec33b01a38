//! The worlds in which things go wrong: one for each resource, small, with as many calls as its places need.

use std::collections::BTreeSet;
use std::time::Duration;

use igsync::resource::Resource;
use igsync::stop::stop_pair;
use igsync::sync::{self, Range, Selection, Verdict};
use igsync_simulator::{AccountSpec, Call, HashtagSpec, Match, PageSpec, TokenSpec, WorldSpec};

use crate::snapshot::copy_files;
use crate::world::{World, selection_of};

use super::truth::{self, Keys};

/// The account that meets the fault, and the one that must not notice.
pub const ACCOUNT: &str = "17841400000000001";
pub const OTHER: &str = "17841400000000002";

/// Where in the calls of a resource a fault is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    First,
    Middle,
    Last,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::First, Self::Middle, Self::Last];
}

/// A resource, what was read before it, and what an undisturbed run does.
pub struct Ground {
    pub resource: &'static Resource,
    /// The files of a database in which everything is that the resource needs.
    before: Option<tempfile::TempDir>,
    /// The calls of an undisturbed run for [`ACCOUNT`], in their order.
    pub calls: Vec<Call>,
    /// The keys of the rows that it wrote, by table.
    pub keys: Keys,
    /// The gaps that it noted.
    pub gaps: BTreeSet<String>,
}

/// The worlds begin at different moments: an hour after what was read before.
const LATER: Duration = Duration::from_secs(3600);

impl Ground {
    pub async fn of(resource: &'static Resource) -> Self {
        let mut ground = Self {
            resource,
            before: None,
            calls: Vec::new(),
            keys: Keys::new(),
            gaps: BTreeSet::new(),
        };
        if matches!(resource.name, "media_insights" | "comments") {
            let world = World::new(spec(resource.name)).await;
            world.backfill().await;
            let folder = tempfile::tempdir().unwrap();
            copy_files(world.path().parent().unwrap(), folder.path());
            ground.before = Some(folder);
        }
        let world = ground.world().await;
        let process = world.process(stop_pair().1).await;
        let alone = Selection {
            resources: vec![resource],
            ..selection(&world, resource)
        };
        let summary = sync::backfill(&process, &alone, Range::default()).await;
        let summary = summary.unwrap();
        assert_eq!(
            summary.verdict(),
            Verdict::Complete,
            "{}: {summary:#?}",
            resource.name
        );
        let calls = world.simulator.journal().into_iter();
        ground.calls = calls.filter(is_of_account).collect();
        ground.keys = truth::keys(&world.database(), resource);
        ground.gaps = truth::gaps(&world.database(), resource);
        ground
    }

    /// A world of its own in which the resource is about to be read.
    pub async fn world(&self) -> World {
        let world = World::new(spec(self.resource.name)).await;
        if let Some(before) = &self.before {
            copy_files(before.path(), world.path().parent().unwrap());
        }
        tokio::time::sleep(LATER).await;
        if self.resource.name == "live_media" {
            while world.simulator.world().expected(&["live_media"]).rows["live_media"].len() < 2 {
                tokio::time::sleep(Duration::from_secs(600)).await;
            }
        }
        world
    }

    /// What is read: the resource, and others before and behind it that must not notice.
    pub fn selection(&self, world: &World) -> Selection {
        selection(world, self.resource)
    }

    /// The call at a place, if the resource has so many: a single one is in the middle.
    pub fn at(&self, place: Place) -> Option<usize> {
        let last = self.calls.len() - 1;
        match place {
            Place::First => (last > 0).then_some(0),
            Place::Middle => Some(self.calls.len() / 2),
            Place::Last => (last > self.calls.len() / 2).then_some(last),
        }
    }

    /// The question that this call asks, wherever else it is asked again.
    pub fn question(&self, at: usize) -> Match {
        let call = &self.calls[at];
        let before = self.calls[..at].iter();
        let same = before.filter(|other| is_same_question(call, other)).count();
        question(call).after_calls(same as u64)
    }

    /// The batch that this call is a part of.
    pub fn batch(&self, at: usize) -> Match {
        // A batch as a whole has no path; its parts have.
        let path = self.calls[at].path.trim_start_matches('/');
        Match::batch().with_parameter("batch", &format!("{path}?"))
    }
}

/// Calls of the account and what is asked on its behalf; not those of discovery, nor what only helps to choose hashtags.
fn is_of_account(call: &Call) -> bool {
    let helps = call.path.ends_with("/recently_searched_hashtags");
    let is_other = call.account.as_deref() == Some(OTHER);
    let is_other = is_other || parameter(call, "user_id") == Some(OTHER);
    call.method == "GET" && !is_other && !helps && !call.path.starts_with("/me")
}

fn parameter<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let mut query = call.query.iter().filter(|(key, _)| key == name);
    query.next().map(|(_, value)| value.as_str())
}

/// What tells one question from another, beside its path. Fields and metrics may be left out the next time.
const TELLING: [&str; 9] = [
    "after",
    "since",
    "until",
    "breakdown",
    "period",
    "timeframe",
    "metric_type",
    "q",
    "folder",
];

fn question(call: &Call) -> Match {
    let mut question = Match::path_ends_with(&call.path);
    for name in TELLING {
        question = match parameter(call, name) {
            Some(value) => question.with_parameter(name, value),
            None => question.without_parameter(name),
        };
    }
    if let Some(object) = object_in_fields(call) {
        question = question.with_parameter("fields", object);
    }
    match audience(call) {
        Some(metric) => question.with_parameter("metric", metric),
        None => question,
    }
}

/// Which people are asked about: nothing else tells these questions apart.
fn audience(call: &Call) -> Option<&str> {
    let of_people = parameter(call, "period") == Some("lifetime");
    parameter(call, "metric").filter(|_| of_people)
}

/// What fields are about that hold an object of somebody else.
fn object_in_fields(call: &Call) -> Option<&str> {
    let fields = call.fields.as_deref()?;
    let about = ["business_discovery", "mentioned_", "followers_count"];
    let at = about.iter().position(|name| fields.contains(name))?;
    if at == 2 {
        return Some(about[2]);
    }
    fields.split('{').next()
}

fn is_same_question(call: &Call, other: &Call) -> bool {
    let same = |name: &&str| parameter(call, name) == parameter(other, name);
    call.path == other.path
        && TELLING.iter().all(same)
        && object_in_fields(call) == object_in_fields(other)
        && audience(call) == audience(other)
}

/// What is always read beside a resource: something before it and something behind it.
pub const BESIDE: [&str; 2] = ["account", "publishing_limit"];

fn selection(world: &World, resource: &'static Resource) -> Selection {
    let told = world.simulator.world();
    let beside = BESIDE.iter().filter(|name| **name != resource.name);
    let names: Vec<&str> = beside.copied().chain([resource.name]).collect();
    let text = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let mentions = told.mentioned_media(ACCOUNT).map(|post| post.id());
    let comments = told
        .mentioning_comments(ACCOUNT)
        .take(3)
        .map(|comment| format!("{}/{}", comment.media_id(), comment.id()));
    Selection {
        hashtags: text(&["coffee", "tea"]),
        usernames: text(&["sim.account.900", "sim.account.901"]),
        mentions: mentions
            .chain(comments)
            .map(|subject| format!("{ACCOUNT}/{subject}"))
            .collect(),
        ..selection_of(&names)
    }
}

fn spec(resource: &str) -> WorldSpec {
    let mut spec = WorldSpec {
        tokens: vec![TokenSpec::default()],
        ..WorldSpec::default()
    };
    let quiet = |number| AccountSpec {
        posts: 3,
        posts_per_week: 0,
        mean_comments: 2,
        stories_per_day: 2,
        ..AccountSpec::numbered(number)
    };
    let mut account = quiet(1);
    match resource {
        "media" => account.posts = 110,
        "media_insights" => (account.posts, account.videos_per_mille) = (14, 200),
        "comments" => (account.posts, account.mean_comments) = (8, 60),
        "stories" => account.stories_per_day = 6,
        "tags" => account.tagged_per_year = 110,
        "collaborative_media" => account.collaborations = 110,
        "mentions" => {
            (account.mentions, account.comments_per_mention) = (3, 60);
            spec.rules.comments_on_mentioning_media = true;
        }
        "collaborators" => (account.posts, account.collaborators_per_mille) = (205, 100),
        "product_tags" => {
            account.posts = 205;
            (account.products, account.product_tags_per_mille) = (4, 100);
        }
        "conversations" => {
            (account.conversations, account.messages_per_conversation) = (4, 6);
            account.requests_per_mille = 250;
        }
        "live_media" => {
            account.posts_per_week = 200;
            account.reels_per_mille = 0;
            account.carousels_per_mille = 0;
            account.lives_per_mille = 1000;
        }
        "hashtags" => {
            let hashtag = |(name, posts_per_day): (&str, u32)| HashtagSpec {
                name: name.to_owned(),
                posts_per_day,
                sensitive: false,
            };
            spec.hashtags = [("coffee", 80), ("tea", 4)].map(hashtag).to_vec();
        }
        "business_discovery" => {
            let other = |(number, posts)| AccountSpec {
                posts,
                ..quiet(number)
            };
            spec.others = [(900, 130), (901, 5)].map(other).to_vec();
        }
        _ => {}
    }
    let pages = [account, quiet(2)].into_iter().zip(1..);
    spec.pages = pages
        .map(|(account, number)| PageSpec::numbered(number, Some(account)))
        .collect();
    spec
}
