//! Professional accounts.

use std::ops::Range;

use crate::id::{MediaId, MediaKind, SCRIPTED_POSTS};
use crate::seed::Seed;
use crate::spec::AccountSpec;

use super::media::Media;
use super::timeline::{DAY, Timeline};
use super::{Edits, World};

/// How long a story is shown.
pub(crate) const STORY_SECONDS: i64 = DAY;

/// A professional account at an instant.
#[derive(Clone, Copy, Debug)]
pub struct Account<'w> {
    world: &'w World,
    index: u32,
    now: i64,
}

impl<'w> Account<'w> {
    pub(crate) fn new(world: &'w World, index: u32, now: i64) -> Self {
        Self { world, index, now }
    }

    /// IG User id.
    pub fn id(&self) -> &'w str {
        &self.spec().id
    }

    /// The handle, as it is now.
    pub fn username(&self) -> String {
        let renamed = self.world.edits().usernames.get(&self.index).cloned();
        renamed.unwrap_or_else(|| self.spec().username.clone())
    }

    /// The name; none when empty.
    pub fn name(&self) -> Option<&'w str> {
        not_empty(&self.spec().name)
    }

    /// The biography; none when empty.
    pub fn biography(&self) -> Option<&'w str> {
        not_empty(&self.spec().biography)
    }

    /// The website; none when empty.
    pub fn website(&self) -> Option<&'w str> {
        not_empty(&self.spec().website)
    }

    /// Followers now.
    pub fn followers_count(&self) -> i64 {
        self.followers_at(self.now)
    }

    /// Accounts it follows.
    pub fn follows_count(&self) -> i64 {
        self.spec().follows as i64
    }

    /// What the API says about the number of posts. It still counts deleted ones, as it is known to be unreliable.
    pub fn media_count(&self) -> i64 {
        self.slots() as i64
    }

    /// How the account was described.
    pub fn spec(&self) -> &'w AccountSpec {
        self.world.account_spec(self.index)
    }
}

impl<'w> Account<'w> {
    /// The account as it was at another instant.
    pub(crate) fn as_of(self, now: i64) -> Self {
        Self { now, ..self }
    }

    pub(crate) fn index(self) -> u32 {
        self.index
    }

    pub(crate) fn now(self) -> i64 {
        self.now
    }

    pub(crate) fn world(self) -> &'w World {
        self.world
    }

    /// The number that older interfaces know it by.
    pub(crate) fn ig_id(self) -> i64 {
        self.seed().with(31).between(1_000_000, 70_000_000_000) as i64
    }

    /// The id of the Marketing API up to v21.
    pub(crate) fn legacy_id(self) -> u64 {
        self.seed()
            .with(32)
            .between(1_000_000_000_000_000, 9_999_999_999_999_999)
    }

    pub(crate) fn seed(self) -> Seed {
        self.world.seed().with(100).with(u64::from(self.index))
    }

    /// Followers at an instant: a straight line with the wobble of single days on it.
    pub(crate) fn followers_at(self, at: i64) -> i64 {
        let epoch = self.world.spec().epoch.timestamp();
        let per_day = self.spec().followers_per_day as i64;
        let elapsed = at - epoch;
        let day = elapsed.div_euclid(DAY);
        let wobble = |day: i64| {
            self.seed()
                .with(9)
                .with(day.cast_unsigned())
                .below(self.spec().followers_per_day / 2 + 1) as i64
        };
        let within = elapsed.rem_euclid(DAY);
        let since_midnight = (per_day + wobble(day + 1) - wobble(day)) * within / DAY;
        (self.spec().followers as i64 + per_day * day + wobble(day) + since_midnight).max(0)
    }

    /// Posts published so far, deleted ones included. Slots count from the oldest and never change.
    pub(crate) fn slots(self) -> u64 {
        self.posts().count_at(self.now) + self.scripted_before(&self.world.edits(), self.now)
    }

    /// The first slot whose post was published at `at` or later.
    pub(crate) fn slot_at(self, at: i64) -> u64 {
        let before = at - 1;
        self.posts().count_at(before) + self.scripted_before(&self.world.edits(), before)
    }

    /// The slots that `/media` lists: they hold as many visible posts as it may show, the most recent ones.
    pub(crate) fn listed_slots(self) -> Range<u64> {
        let total = self.slots();
        let mut listed = total.saturating_sub(self.world.spec().media_list_cap)..total;
        // What is hidden makes room for older ones, which may be hidden as well.
        let mut unchecked = listed.clone();
        while listed.start > 0 && !unchecked.is_empty() && self.may_hide_posts() {
            let hidden = unchecked
                .filter(|slot| !self.post_at_slot(*slot).is_listed())
                .count() as u64;
            unchecked = listed.start.saturating_sub(hidden)..listed.start;
            listed.start = unchecked.start;
        }
        listed
    }

    /// Whether any post may be deleted or live; looking at 10,000 of them takes long.
    fn may_hide_posts(self) -> bool {
        let habits = self.spec();
        let edits = self.world.edits();
        let mut edited = edits.media.iter();
        habits.deleted_per_mille > 0
            || habits.lives_per_mille > 0
            || edited.any(|(id, edit)| id.account == self.index && !edit.deletions.is_empty())
    }

    /// Which post stands in a slot: scripted ones are sorted in where they were published.
    pub(crate) fn post_at_slot(self, slot: u64) -> Media<'w> {
        let mut index = slot;
        if let Some(scripted) = self.world.edits().scripted.get(&self.index) {
            let earlier = scripted.partition_point(|post| post.slot < slot);
            if scripted.get(earlier).is_some_and(|post| post.slot == slot) {
                index = u64::from(SCRIPTED_POSTS) + earlier as u64;
            } else {
                index -= earlier as u64;
            }
        }
        self.media(MediaKind::Post, index)
    }

    pub(crate) fn media(self, kind: MediaKind, index: u64) -> Media<'w> {
        let id = MediaId {
            kind,
            account: self.index,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            child: 0,
        };
        Media::at(self.world, id, self.now)
    }

    pub(crate) fn story(self, index: u64) -> Media<'w> {
        self.media(MediaKind::Story, index)
    }

    /// The indices of the stories that are shown now.
    pub(crate) fn live_stories(self) -> Range<u64> {
        let stories = self.stories();
        stories.count_at(self.now - STORY_SECONDS)..stories.count_at(self.now)
    }

    pub(crate) fn posts(self) -> Timeline {
        let spec = self.spec();
        self.timeline(20, u64::from(spec.posts), u64::from(spec.posts_per_week))
    }

    pub(crate) fn stories(self) -> Timeline {
        let per_day = u64::from(self.spec().stories_per_day);
        self.timeline(
            21,
            per_day * u64::from(self.spec().history_days),
            per_day * 7,
        )
    }

    pub(crate) fn tagged(self) -> Timeline {
        let per_year = u64::from(self.spec().tagged_per_year);
        self.timeline(
            22,
            per_year * u64::from(self.spec().history_days) / 365,
            per_year / 52,
        )
    }

    pub(crate) fn mentions(self) -> Timeline {
        self.timeline(23, u64::from(self.spec().mentions), 0)
    }

    pub(crate) fn collaborations(self) -> Timeline {
        self.timeline(24, u64::from(self.spec().collaborations), 0)
    }

    fn timeline(self, name: u64, before: u64, per_week: u64) -> Timeline {
        Timeline {
            seed: self.seed().with(name),
            epoch: self.world.spec().epoch.timestamp(),
            before,
            span: i64::from(self.spec().history_days.max(1)) * DAY,
            per_week,
        }
    }

    fn scripted_before(self, edits: &Edits, now: i64) -> u64 {
        let scripted = edits.scripted.get(&self.index);
        scripted.map_or(0, |posts| {
            posts.partition_point(|post| post.published_at <= now) as u64
        })
    }
}

fn not_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
