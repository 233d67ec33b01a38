//! What a database holds after a night, compared with everything that the world tells.
//!
//! What a night reads must be as it was while the night went on. What it leaves for another night, as the README says, must be as it was
//! when it was read. What is not there must be named by an open gap.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use igsync_simulator::{Call, Tables};
use serde_json::Value;

use crate::faults::truth::{Kept, kept};
use crate::nights::NIGHTLY;
use crate::world::{World, rows_of};
use crate::{account_insights, insights, stories};

/// Up to this age everything about a post is read every night.
const YOUNG: TimeDelta = TimeDelta::days(30);

/// What only one kind of posts has: read of young posts only.
const OF_ONE_KIND: [&str; 6] = [
    "follows",
    "profile_visits",
    "profile_activity",
    "ig_reels_avg_watch_time",
    "ig_reels_video_view_total_time",
    "reels_skip_rate",
];

/// What only posts and reels have ("IG Media" reference): igsync does not ask it of stories.
const NOT_OF_STORIES: [&str; 3] = ["reposts_count", "saved_count", "shares_count"];

/// Days of an account that every night reads: the youngest of them have not settled.
const UNSETTLED_DAYS: i64 = 3;

/// When the numbers of a day are final.
const SETTLING: TimeDelta = TimeDelta::hours(50);

/// A night that goes on.
pub struct Tonight {
    began: DateTime<Utc>,
    /// What could be read when it began.
    before: Tables,
    /// How many there were, with this one: one a day.
    nights: i64,
    /// Whether all was read in this night; else at some time since it began.
    is_one: bool,
}

/// What was found.
#[derive(Debug, Default)]
struct Compared {
    /// Differences that no open gap names.
    unexplained: Vec<String>,
    /// Rows that were compared, by table.
    rows: BTreeMap<String, usize>,
}

/// An open gap, as far as it says what is missing.
struct Gap {
    object_id: Option<String>,
    field: Option<String>,
}

fn tables() -> Vec<Kept> {
    let all = NIGHTLY.iter().flat_map(|resource| kept(resource));
    let mut tables: Vec<Kept> = all.copied().collect();
    tables.dedup_by_key(|(table, ..)| *table);
    tables
}

fn part(key: &str, at: usize) -> &str {
    key.split('/').nth(at).unwrap_or_default()
}

impl Tonight {
    /// Notes what could be read when a night begins.
    pub fn begins(world: &World) -> Self {
        // Days of accounts are asked for one by one.
        let tables = tables().into_iter().map(|(table, ..)| table);
        let tables: Vec<&str> = tables
            .filter(|table| *table != "account_insights")
            .collect();
        Self {
            began: world.now(),
            before: world.simulator.world().expected(&tables).rows,
            nights: (world.now() - world.simulator.world().spec().epoch).num_days() + 1,
            is_one: true,
        }
    }

    /// The same for accounts that were read one after the other since it began.
    pub fn of_both(self) -> Self {
        Self {
            is_one: false,
            ..self
        }
    }

    /// Fails unless the database is the world, but for what open gaps name. Gives how many rows of each table had to be there.
    #[track_caller]
    pub fn assert_equal(&self, world: &World) -> BTreeMap<String, usize> {
        let compared = self.compare(world);
        let first: Vec<&String> = compared.unexplained.iter().take(20).collect();
        assert_eq!(compared.unexplained.len(), 0, "{first:#?}");
        compared.rows
    }

    /// Whether it walked through the list of posts of every account, with their numbers.
    pub fn is_long(&self, world: &World) -> bool {
        let calls = world.calls("/media");
        let is_walk = |call: &&Call| {
            let fields = call.fields.as_deref().unwrap_or_default();
            fields.contains("caption") && fields.contains("insights.metric(")
        };
        let walked: BTreeSet<&Option<String>> = { calls.iter().filter(is_walk) }
            .map(|call| &call.account)
            .collect();
        walked.len() == world.simulator.world().accounts().count()
    }

    /// Compares all that nights read; this one has walked through the lists of posts.
    fn compare(&self, world: &World) -> Compared {
        let (database, told) = (world.database(), world.simulator.world());
        let tables = tables();
        let read = |(table, from, key): &Kept| (table.to_string(), rows_of(&database, from, key));
        let mut found: Tables = tables.iter().map(read).collect();
        let today = told.now().date_naive();
        let days = today - TimeDelta::days(800)..=today;
        let names: Vec<&str> = tables.iter().map(|(table, ..)| *table).collect();
        let mut expected = told.expected_on(&names, days);
        for (table, rows) in &self.before {
            // What came in between may have been read or not.
            expected = expected.not_requiring(table, |key| !rows.contains_key(key));
        }
        let new_people = new_people(&expected.rows["audience"]);
        expected = expected
            // Parts are read when there are some, and may be others by now.
            .not_requiring("media_insights", |key| {
                !insights::is_asked_of_posts(key, |_| false)
            })
            .not_requiring("story_insights", |key| !stories::is_asked_of_stories(key))
            .not_requiring("audience", |key| {
                !account_insights::is_asked_of_audiences(key) || new_people.contains(key)
            })
            .not_requiring("account_insights", |key| {
                !account_insights::is_required(key, self.began, self.nights)
            });
        if self.is_one {
            self.forget_when_read(world, &mut found);
        } else {
            let has_settled = |key: &String, _: &mut _| self.began - end_of(key) > SETTLING;
            found
                .get_mut("account_insights")
                .unwrap()
                .retain(has_settled);
            expected = expected.not_requiring("account_insights", |key| {
                self.began - end_of(key) <= SETTLING
            });
        }

        let comparison = expected.compare(&found);
        assert_eq!(comparison.not_compared, BTreeSet::new());
        let gaps = gaps(world);
        let mut compared = Compared::default();
        for difference in comparison.differences {
            let is_explained =
                self.was_so(&difference, &found, &expected.rows) || is_named(&difference, &gaps);
            if !is_explained {
                compared.unexplained.push(difference);
            }
        }
        for (table, rows) in &expected.rows {
            let is_there = |key: &&String| found[table].contains_key(*key);
            let there = rows.keys().filter(is_there).count();
            compared.rows.insert(table.clone(), there);
        }
        compared
    }

    /// Forgets when numbers were first read that are read every night: they have to be those of tonight.
    fn forget_when_read(&self, world: &World, found: &mut Tables) {
        let told = world.simulator.world();
        let mut young = BTreeSet::new();
        for account in told.accounts() {
            let posts = told.media(account.id());
            let posts = posts.filter(|post| self.began - post.timestamp() < YOUNG);
            young.extend(posts.map(|post| post.id()));
        }
        let refused =
            "SELECT DISTINCT substr(field, 1, instr(field || ' of ', ' of ') - 1) FROM sync_gaps
             WHERE resource = 'media_insights' AND field IS NOT NULL AND resolved_at IS NULL";
        // A post takes a metric that its kind does not have from its neighbours in the list.
        let refused: BTreeSet<String> = world.texts(refused).into_iter().collect();
        let closed = "SELECT object_id FROM sync_gaps WHERE reason = 'before_conversion' AND resolved_at IS NULL";
        let closed: BTreeSet<String> = world.texts(closed).into_iter().collect();
        let shown: BTreeSet<String> = self.before["stories"].keys().cloned().collect();
        let is_fresh = |table: &str, key: &str| {
            let (id, name) = (part(key, 0), part(key, 1));
            match table {
                "media_insights" if closed.contains(id) || !part(key, 2).is_empty() => false,
                "media_insights" if young.contains(id) => true,
                "media_insights" => !OF_ONE_KIND.contains(&name) && !refused.contains(name),
                "story_insights" => shown.contains(id),
                "account_insights" => self.is_read_every_night(key),
                _ => false,
            }
        };
        for (table, rows) in found {
            for (key, row) in rows.iter_mut().filter(|(key, _)| is_fresh(table, key)) {
                assert!(row.remove("observed_at").is_some(), "{table} {key}");
            }
        }
    }

    fn is_read_every_night(&self, key: &str) -> bool {
        let is_recent = self.began - end_of(key) < TimeDelta::days(UNSETTLED_DAYS);
        part(key, 2) == "day" && part(key, 3).is_empty() && is_recent
    }

    /// Whether a value was true at some time while the night went on. Likes of comments are read when something else is new.
    fn was_so(&self, difference: &str, found: &Tables, now: &Tables) -> bool {
        let Some((place, values)) = difference.split_once(": ") else {
            return false;
        };
        let column = values.split(' ').next().unwrap_or_default();
        let Some((table, key)) = place.split_once(' ') else {
            return false;
        };
        let value = |tables: &Tables| -> Option<Value> {
            tables.get(table)?.get(key)?.get(column).cloned()
        };
        let is_story = found["stories"].contains_key(key);
        let (found, before, now) = (value(found), value(&self.before), value(now));
        if found.is_some() && found == before {
            return true;
        }
        if NOT_OF_STORIES.contains(&column) && is_story {
            return found == Some(Value::Null);
        }
        let number = |value: Option<Value>| value.and_then(|value| value.as_f64());
        let least = if (table, column) == ("comments", "like_count") {
            Some(0.0)
        } else {
            number(before)
        };
        let (Some(found), Some(least), Some(now)) = (number(found), least, number(now)) else {
            return false;
        };
        least.min(now) <= found && found <= least.max(now)
    }
}

/// When the day of a key ends.
fn end_of(key: &str) -> DateTime<Utc> {
    let end = key.rsplit('/').next();
    end.unwrap().parse().unwrap()
}

/// Groups of so few people that they may have come up since audiences were read: that is once a week.
fn new_people(audience: &BTreeMap<String, BTreeMap<String, Value>>) -> BTreeSet<String> {
    let few = audience
        .iter()
        .filter(|(_, row)| row["value"].as_i64() <= Some(3));
    few.map(|(key, _)| key.clone()).collect()
}

fn gaps(world: &World) -> Vec<Gap> {
    let database = world.database();
    let sql = "SELECT object_id, field FROM sync_gaps WHERE resolved_at IS NULL";
    let mut statement = database.prepare(sql).unwrap();
    let gaps = statement.query_map([], |row| {
        Ok(Gap {
            object_id: row.get(0)?,
            field: row.get(1)?,
        })
    });
    gaps.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Whether an open gap names what is missing: the object, the metric of the object, or the metric of all like it.
fn is_named(difference: &str, gaps: &[Gap]) -> bool {
    let missing = difference.strip_suffix(": is missing");
    let Some((_, key)) = missing.and_then(|place| place.split_once(' ')) else {
        return false;
    };
    let (id, name) = (part(key, 0), part(key, 1));
    let names_it = |gap: &Gap| match (gap.object_id.as_deref(), gap.field.as_deref()) {
        (Some(object), None) => object == id,
        (Some(object), Some(field)) => object == id && (field == name || is_of(field, name)),
        (None, Some(field)) => is_of(field, name),
        (None, None) => false,
    };
    gaps.iter().any(names_it)
}

/// Whether a field is a metric of a family, or by a breakdown.
fn is_of(field: &str, name: &str) -> bool {
    let rest = field.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with(" of ") || rest.starts_with(" by "))
}
