//! What a database holds of a resource, compared with the world.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use igsync::clock::instant_text;
use igsync::resource::Resource;
use igsync_simulator::{Simulator, Tables};
use rusqlite::Connection;

use crate::world::rows_of;

/// The keys of rows, by table.
pub type Keys = BTreeMap<String, BTreeSet<String>>;

/// A table of the oracle, what igsync keeps it in, and the columns of its key.
pub type Kept = (&'static str, &'static str, &'static [&'static str]);

const OF_STORIES: &str =
    "(SELECT i.* FROM media_insights_current i JOIN stories s ON s.id = i.media_id)";
const OF_POSTS: &str = "(SELECT i.* FROM media_insights_current i JOIN media m ON m.id = i.media_id WHERE m.media_product_type <> 'STORY')";
const LAST_SHOWN: &str = "(SELECT m.hashtag_id, m.edge, m.rank, m.like_count, m.comments_count, p.*
    FROM hashtag_media m JOIN hashtag_posts p ON p.id = m.media_id
    WHERE m.day = (SELECT max(day) FROM hashtag_media WHERE hashtag_id = m.hashtag_id AND edge = m.edge))";
const BROADCASTS: &str = "(SELECT * FROM media WHERE id IN (SELECT subject FROM sync_reads WHERE resource = 'live_media'))";
const NUMBER: &[&str] = &["media_id", "name", "breakdown", "dimension_value"];
const DAY: &[&str] = &[
    "account_id",
    "name",
    "period",
    "breakdown",
    "dimension_value",
    "end_time",
];

/// What a resource fills, as the oracle calls it.
pub fn kept(resource: &str) -> &'static [Kept] {
    match resource {
        "account" => &[
            ("accounts", "accounts", &["id"]),
            ("accounts_current", "accounts_current", &["id"]),
        ],
        "media" => &[
            ("media", "media", &["id"]),
            ("media_children", "media_children", &["media_id", "id"]),
            ("media_current", "media_current", &["id"]),
        ],
        "stories" => &[
            ("stories", "stories", &["id"]),
            ("story_insights", OF_STORIES, NUMBER),
        ],
        "media_insights" => &[("media_insights", OF_POSTS, NUMBER)],
        "account_insights" | "online_followers" => {
            &[("account_insights", "account_insights_current", DAY)]
        }
        "audience" => &[(
            "audience",
            "audience",
            &[
                "account_id",
                "name",
                "timeframe",
                "breakdown",
                "dimension_value",
            ],
        )],
        "comments" => &[("comments", "comments", &["id"])],
        "tags" => &[("tagged_media", "tagged_media", &["account_id", "id"])],
        "mentions" => &[
            ("mentions", "mentions", &["account_id", "id"]),
            (
                "mentioned_media_comments",
                "mentioned_media_comments",
                &["account_id", "id"],
            ),
        ],
        "collaborative_media" => &[(
            "collaborative_media",
            "collaborative_media",
            &["account_id", "id"],
        )],
        "collaborators" => &[("collaborators", "collaborators", &["media_id", "id"])],
        "product_tags" => &[("product_tags", "product_tags", &["media_id", "product_id"])],
        "live_media" => &[("live_media", BROADCASTS, &["id"])],
        "publishing_limit" => &[("publishing_limit", "publishing_limit", &["account_id"])],
        "hashtags" => &[
            ("hashtags", "hashtags", &["id"]),
            ("hashtag_media", LAST_SHOWN, &["hashtag_id", "edge", "id"]),
            (
                "hashtag_post_children",
                "hashtag_post_children",
                &["media_id", "id"],
            ),
        ],
        "business_discovery" => &[
            (
                "discovered_accounts",
                "discovered_accounts_current",
                &["id"],
            ),
            ("discovered_media", "discovered_media_current", &["id"]),
            (
                "discovered_media_children",
                "discovered_media_children",
                &["media_id", "id"],
            ),
        ],
        "conversations" => &[
            ("conversations", "conversations", &["id"]),
            ("messages", "messages", &["id"]),
        ],
        other => panic!("nothing is known of {other}"),
    }
}

/// Tables of which the world tells more than it requires at a moment, and what was told stays.
fn stays(table: &str) -> bool {
    table.ends_with("_insights") || table == "audience"
}

fn read(database: &Connection, resource: &Resource) -> Tables {
    let kept = kept(resource.name).iter();
    kept.map(|(table, from, key)| ((*table).to_owned(), rows_of(database, from, key)))
        .collect()
}

/// The keys of what is in the database.
pub fn keys(database: &Connection, resource: &Resource) -> Keys {
    let tables = read(database, resource).into_iter();
    tables
        .map(|(table, rows)| (table, rows.into_keys().collect()))
        .collect()
}

/// The differences between the database and the world, in sentences, and how many rows were compared. With `keys`, what an undisturbed
/// run has read has to be there, and what came later may be; without, everything has to be.
pub fn differences(
    database: &Connection,
    simulator: &Simulator,
    resource: &Resource,
    keys: &Keys,
) -> (Vec<String>, usize) {
    let found = read(database, resource);
    let tables: Vec<&str> = kept(resource.name)
        .iter()
        .map(|(table, ..)| *table)
        .collect();
    let mut expected = simulator.expected(&tables);
    for (table, wanted) in keys {
        expected = expected.not_requiring(table, |key| !wanted.contains(key));
    }
    let compared = expected.compare(&found);
    let mut differences = compared.differences;
    for (table, wanted) in keys.iter().filter(|(table, _)| stays(table)) {
        let missing = wanted.iter().filter(|key| !found[table].contains_key(*key));
        let missing = missing.map(|key| format!("{table} {key}: is missing"));
        differences.extend(missing.collect::<Vec<_>>());
    }
    for difference in &mut differences {
        // What it belongs to.
        let key = difference
            .strip_suffix(": is missing")
            .and_then(|place| place.split_once(' '));
        let row = key.and_then(|(table, key)| expected.rows.get(table)?.get(key));
        // Parts of an album belong to whom the album belongs to.
        let album = key.zip(row).and_then(|((table, _), row)| {
            let albums = expected.rows.get(table.strip_suffix("_children")?)?;
            albums.get(row.get("media_id")?.as_str()?)
        });
        for row in row.into_iter().chain(album) {
            let told = format!(" {row:?}");
            difference.push_str(&told);
        }
    }
    // A broadcast that has ended is a post.
    let has_ended = |difference: &String| {
        let key = difference
            .strip_prefix("live_media ")
            .and_then(|place| place.split(':').next());
        key.is_some_and(|key| !expected.rows["live_media"].contains_key(key))
    };
    differences.retain(|difference| !has_ended(difference));
    // Counts move on, and what is committed is not paid for again because of that.
    differences.retain(|difference| !difference.contains("_count is "));
    let ten_days_ago = instant_text(simulator.world().now() - TimeDelta::days(10));
    differences.retain(|difference| !is_read_weekly(database, difference, &ten_days_ago));
    differences.sort();
    differences.dedup();
    (differences, compared.rows)
}

/// Whether a window that is read once a week had another number then, and was read within the time in which a night is made up for.
fn is_read_weekly(database: &Connection, difference: &str, since: &str) -> bool {
    let key = difference
        .strip_prefix("account_insights ")
        .and_then(|difference| difference.split_once(": value is "));
    let Some((key, _)) = key else {
        return false;
    };
    let sql = "SELECT count(*) FROM account_insights_current WHERE period IN ('week', 'days_28') AND confirmed_at >= ?2
         AND account_id || '/' || name || '/' || period || '/' || breakdown || '/' || dimension_value || '/' || end_time = ?1";
    let rows: i64 = database
        .query_row(sql, [key, since], |row| row.get(0))
        .unwrap();
    rows == 1
}

/// The open gaps of a resource: their reasons, and what they name.
pub fn gaps(database: &Connection, resource: &Resource) -> BTreeSet<String> {
    let sql =
        "SELECT reason || CASE WHEN account_id IS NULL OR field IS NOT NULL THEN ' of a field'
             WHEN object_id IS NOT NULL THEN ' of an object' ELSE '' END
         FROM sync_gaps WHERE resource = ? AND resolved_at IS NULL";
    let mut statement = database.prepare(sql).unwrap();
    let gaps = statement
        .query_map([resource.name], |row| row.get(0))
        .unwrap();
    gaps.collect::<Result<_, _>>().unwrap()
}
