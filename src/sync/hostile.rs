//! Answers that are almost right, through every resource: what cannot be read is named, and what can be read can be written.

use std::sync::{Arc, OnceLock};

use igsync_simulator::World;
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::job::{Account, BACKFILL, Job, Known, Range, Route};
use super::plan::Plan;
use crate::clock::parse_instant;
use crate::graph::hostile::{Answer, ask, changed, changes, page};
use crate::graph::{Credential, Fields, Page};
use crate::resource::{Decoded, Names, Question, RESOURCES, Refresh, Resource, Work};
use crate::store::{Commit, Conversation, Kind, NewRun, Post, Row, Store, Value};

const ACCOUNT: &str = "17841400000000001";

/// What was asked for and answered, by which resource.
struct Read {
    resource: &'static Resource,
    /// Of a list that is walked through.
    fields: Fields,
    /// Of resources that ask questions.
    question: Option<Question>,
    answer: Answer,
}

impl Read {
    fn decode(&self, page: &Page) -> Decoded {
        let mut decoded = Decoded::default();
        match (&self.resource.work, &self.question) {
            (Work::Walk(walk), _) => {
                for object in &page.items {
                    (walk.rows)(ACCOUNT, &self.fields, object, &mut decoded);
                }
            }
            (Work::Questions(questions), Some(question)) => {
                (questions.rows)(ACCOUNT, question, &page.items, &mut decoded);
            }
            (Work::Questions(_), None) => {}
        }
        decoded
    }
}

/// A hashtag that was found already.
const HASHTAG: &str = "sourdough";

/// Names that the world knows.
fn names(world: &World, resource: &Resource) -> Vec<String> {
    if resource.name == "mentions" {
        let posts = world.mentioned_media(ACCOUNT).map(|post| post.id());
        let comments = world
            .mentioning_comments(ACCOUNT)
            .map(|comment| format!("{}/{}", comment.media_id(), comment.id()));
        return posts.chain(comments).collect();
    }
    let names: &[&str] = match resource.names() {
        Some(Names::Hashtags) => &[HASHTAG, "smallmuseums"],
        Some(Names::Usernames) => &["sim.account.900"],
        None => &[],
    };
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The way to the account. The token is put on by whoever asks.
fn route(world: &World) -> Route {
    let is_own = |page: &&igsync_simulator::PageSpec| {
        let account = page.account.as_ref();
        account.is_some_and(|account| account.id == ACCOUNT)
    };
    Route {
        credential: Arc::new(Credential::new("main", "EAAtoken", None).unwrap()),
        page_id: world.spec().pages.iter().find(is_own).unwrap().id.clone(),
        page_name: None,
        tasks: Vec::new(),
        page_credential: None,
        is_new_page: None,
    }
}

/// What is known of the lists of the hashtag.
fn found(world: &World, resource: &Resource) -> Vec<crate::store::Read> {
    let id = world.hashtag_id(HASHTAG).unwrap();
    let list = |edge: &str| crate::store::Read {
        subject: format!("{HASHTAG}:{id}:{edge}"),
        ..Default::default()
    };
    let lists = ["recent", "top"].map(list);
    let is_read = resource.names() == Some(Names::Hashtags);
    lists.into_iter().filter(|_| is_read).collect()
}

fn conversations(world: &World) -> Vec<Conversation> {
    let listed = world.conversations(ACCOUNT).map(|one| Conversation {
        id: one.id(),
        updated_time: one.updated_time(),
    });
    let mut listed: Vec<Conversation> = listed.collect();
    listed.sort_by_key(|one| std::cmp::Reverse(one.updated_time));
    listed
}

fn job(world: &World, resource: &'static Resource) -> Job {
    Job {
        name: BACKFILL.to_owned(),
        account: Arc::new(Account {
            id: ACCOUNT.to_owned(),
            username: Some("kornblume.bakery".to_owned()),
            media_count: None,
            routes: Vec::new(),
        }),
        resource,
        range: Range::default(),
        names: names(world, resource),
        forecast_calls: None,
    }
}

/// A post of each kind.
fn posts(world: &World) -> Vec<Post> {
    let mut posts: Vec<Post> = Vec::new();
    for media in world.media(ACCOUNT).filter(|post| !post.is_deleted()) {
        let post = Post {
            id: media.id(),
            media_type: Some(media.media_type().as_str().to_owned()),
            product_type: Some(media.media_product_type().as_str().to_owned()),
            timestamp: media.timestamp(),
            comments_count: Some(3),
        };
        let is_known = |known: &Post| {
            (&known.media_type, &known.product_type) == (&post.media_type, &post.product_type)
        };
        if !posts.iter().any(is_known) {
            posts.push(post);
        }
    }
    posts
}

/// Every resource's first page, and its questions of each kind.
fn reads() -> &'static [Read] {
    static READS: OnceLock<Vec<Read>> = OnceLock::new();
    READS.get_or_init(|| {
        let mut asked = Vec::new();
        let answers = ask(|world| {
            let now = world.now();
            let mut requests = Vec::new();
            for &resource in RESOURCES {
                let job = job(world, resource);
                match &resource.work {
                    Work::Walk(walk) => {
                        let plan = Plan::start(&job, walk, None, Default::default(), 1, now);
                        let request = plan.next_request().unwrap();
                        asked.push((resource, request.fields.clone(), None));
                        requests.push(request);
                    }
                    Work::Questions(questions) => {
                        let known = Known {
                            posts: posts(world),
                            conversations: conversations(world),
                            reads: found(world, resource),
                            refused: Vec::new(),
                            refresh: Refresh::default(),
                        };
                        let mut families = Vec::new();
                        for question in (questions.due)(&job.facts(None, known, now)) {
                            if families.contains(&question.family) {
                                continue;
                            }
                            families.push(question.family.clone());
                            requests.push(job.request(&question, &route(world)));
                            asked.push((resource, Fields::default(), Some(question)));
                        }
                    }
                }
            }
            for request in &mut requests {
                request.limit = request.limit.map(|limit| limit.min(3));
            }
            requests
        });
        let reads = asked.into_iter().zip(answers);
        let reads = reads.map(|((resource, fields, question), answer)| Read {
            resource,
            fields,
            question,
            answer,
        });
        reads.filter(has_rows).collect()
    })
}

/// Whether it says something, unchanged.
fn has_rows(read: &Read) -> bool {
    let page = page(&read.answer.request, read.answer.body.as_bytes());
    page.is_some_and(|page| {
        let decoded = read.decode(&page);
        assert!(
            decoded.problems.is_empty(),
            "{:?}: {}",
            decoded.problems,
            read.answer.body
        );
        !decoded.rows.is_empty()
    })
}

#[test]
fn every_resource_has_an_answer_to_change() {
    let has_one = |resource: &&&'static Resource| {
        let mut all = reads().iter();
        all.any(|read| std::ptr::eq(read.resource, **resource))
    };
    let without = RESOURCES.iter().filter(|one| !has_one(one));
    let without: Vec<&str> = without.map(|one| one.name).collect();
    assert_eq!(without, [] as [&str; 0]);
}

/// What is wrong with a row.
fn wrong(row: &Row) -> Option<String> {
    if row.values.len() != row.table.columns.len() {
        return Some("columns are missing".to_owned());
    }
    for (column, value) in row.table.columns.iter().zip(&row.values) {
        let is_right = match (column.kind, value) {
            (_, None | Some(Value::Null)) => !row.table.key.contains(&column.name),
            (Kind::Instant, Some(Value::Text(text))) => {
                text.len() == 20 && parse_instant(text).is_some()
            }
            (Kind::Integer | Kind::Boolean, Some(Value::Integer(_))) => true,
            (Kind::Number, Some(Value::Real(number))) => number.is_finite(),
            (Kind::Number, Some(Value::Integer(_))) => true,
            (_, Some(Value::Text(_))) => true,
            _ => false,
        };
        if !is_right {
            return Some(format!("{}.{} is {value:?}", row.table.name, column.name));
        }
    }
    None
}

proptest! {
    #[test]
    fn answers_become_rows_that_fit_or_problems_that_are_named(read in any::<prop::sample::Index>(), changes in changes()) {
        let read = read.get::<Read>(reads());
        let Some(page) = page(&read.answer.request, &changed(&read.answer.body, &changes)) else {
            return Ok(());
        };
        let decoded = read.decode(&page);
        for row in &decoded.rows {
            prop_assert_eq!(wrong(row), None);
        }
        for problem in &decoded.problems {
            prop_assert!(problem.object.len() < 500 && problem.problem.len() < 2_000, "{:?}", problem);
        }
    }
}

/// A store that holds the account and its posts; the run that read them.
fn store(runtime: &tokio::runtime::Runtime, folder: &tempfile::TempDir) -> (Store, i64) {
    let store = Store::open(&folder.path().join("a.db"), "a test").unwrap();
    let run = NewRun {
        started_by: None,
        job: BACKFILL.to_owned(),
        account_id: Some(ACCOUNT.to_owned()),
        resource: "media",
        range: String::new(),
        forecast_calls: None,
        at: Default::default(),
    };
    let run = runtime.block_on(store.begin_run(run)).unwrap();
    let node = serde_json::json!({"id": ACCOUNT});
    let account = crate::resource::discovered_account(node.as_object().unwrap(), &[]).unwrap();
    let mut rows = vec![account];
    let media = crate::resource::find("media").unwrap();
    let (walk, table) = (media.walk().unwrap(), "media");
    let mut decoded = Decoded::default();
    for id in reads()
        .iter()
        .filter_map(|read| read.question.as_ref()?.object_id.clone())
    {
        let node = serde_json::json!({"id": id}).to_string();
        let raw = serde_json::value::RawValue::from_string(node).unwrap();
        (walk.rows)(ACCOUNT, &Fields::of(["id"]), &raw, &mut decoded);
    }
    rows.extend(
        decoded
            .rows
            .into_iter()
            .filter(|row| row.table.name == table),
    );
    for read in reads() {
        rows.extend(parents(read));
    }
    runtime.block_on(store.commit(commit(run, rows))).unwrap();
    (store, run)
}

/// Rows that the database holds before such a question is asked: the hashtag, the conversations.
fn parents(read: &Read) -> Vec<Row> {
    let Some(question) = &read.question else {
        return Vec::new();
    };
    let name = read.resource.name;
    let (Work::Questions(questions), true) = (
        &read.resource.work,
        ["hashtags", "conversations"].contains(&name),
    ) else {
        return Vec::new();
    };
    let page = page(&read.answer.request, read.answer.body.as_bytes()).unwrap();
    let mut decoded = Decoded::default();
    match crate::resource::hashtag_id(question, &page.items) {
        Some(id) if name == "hashtags" => {
            let search = Question {
                subject: question.name().to_owned(),
                ..Question::default()
            };
            let node = serde_json::json!({"id": id}).to_string();
            let node = serde_json::value::RawValue::from_string(node).unwrap();
            (questions.rows)(ACCOUNT, &search, &[node], &mut decoded);
        }
        _ => decoded = read.decode(&page),
    }
    let is_parent = |row: &Row| ["hashtags", "conversations"].contains(&row.table.name);
    decoded.rows.into_iter().filter(is_parent).collect()
}

fn commit(run: i64, rows: Vec<Row>) -> Commit {
    Commit {
        run,
        at: Default::default(),
        pages: 1,
        rows,
        checkpoint: None,
        gaps: Vec::new(),
        calls: Vec::new(),
        pools: Vec::new(),
        reads: Vec::new(),
        answered: Vec::new(),
    }
}

/// Each case is a transaction on a disk: fewer of them.
fn on_disk() -> Config {
    let all = Config::default();
    Config {
        cases: all.cases.min(20_000),
        ..all
    }
}

#[test]
fn rows_of_hostile_answers_can_be_written() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (store, run) = store(&runtime, &folder);
    let cases = (any::<prop::sample::Index>(), changes());
    proptest!(on_disk(), |((read, changes) in cases)| {
        let read = read.get::<Read>(reads());
        let Some(page) = page(&read.answer.request, &changed(&read.answer.body, &changes)) else {
            return Ok(());
        };
        let rows = read.decode(&page).rows;
        let written = runtime.block_on(store.commit(commit(run, rows)));
        prop_assert!(written.is_ok(), "{:?}", written);
    });
}
