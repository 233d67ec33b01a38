//! Conversations and messages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use crate::seed::Seed;

use super::account::Account;
use super::timeline::{DAY, Timeline};
use super::{World, caption};

/// How ids of conversations begin; real ones are opaque and start like this.
const CONVERSATION: &str = "aWdfZAG06MTpJR01lc3NhZ2VUaHJlYWQ6";
/// How ids of messages begin.
const MESSAGE: &str = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE";
/// Details are told of this many of the most recent messages ("Conversations API" page).
const DETAILED_MESSAGES: u64 = 20;
/// Conversations of the Requests folder are listed for this long after their last message ("Conversations API" page).
const REQUEST_SPAN: i64 = 30 * DAY;

/// A conversation between an account and one person.
#[derive(Clone, Copy, Debug)]
pub struct Conversation<'w> {
    account: Account<'w>,
    index: u32,
}

/// A message of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Message<'w> {
    conversation: Conversation<'w>,
    index: u64,
}

impl World {
    /// The conversations of an account that are listed: something was written so far, and those of the Requests folder
    /// have been active lately.
    pub fn conversations(&self, account_id: &str) -> impl Iterator<Item = Conversation<'_>> {
        self.account(account_id)
            .into_iter()
            .flat_map(Account::conversations)
    }

    pub(crate) fn conversation(&self, id: &str) -> Option<Conversation<'_>> {
        let (account, index, _) = self.decoded(CONVERSATION, id)?;
        self.account_at(account)
            .begun_conversations()
            .find(|conversation| u64::from(conversation.index) == index)
    }

    pub(crate) fn message(&self, id: &str) -> Option<Message<'_>> {
        let (account, conversation, index) = self.decoded(MESSAGE, id)?;
        let conversation = self
            .account_at(account)
            .begun_conversations()
            .find(|candidate| u64::from(candidate.index) == conversation)?;
        (index < conversation.written()).then_some(Message {
            conversation,
            index,
        })
    }

    fn encoded(&self, prefix: &str, path: [u64; 3]) -> String {
        let check = path
            .iter()
            .fold(self.seed().with(410), |seed, part| seed.with(*part));
        let bytes: Vec<u8> = path
            .iter()
            .chain([&check.bits()])
            .flat_map(|part| part.to_be_bytes())
            .collect();
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    fn decoded(&self, prefix: &str, id: &str) -> Option<(u32, u64, u64)> {
        let bytes = URL_SAFE_NO_PAD.decode(id.strip_prefix(prefix)?).ok()?;
        let parts: Vec<u64> = bytes
            .chunks_exact(8)
            .map(|part| {
                part.iter()
                    .fold(0, |whole, byte| whole << 8 | u64::from(*byte))
            })
            .collect();
        let path = [*parts.first()?, *parts.get(1)?, *parts.get(2)?];
        let known = self.encoded(prefix, path) == id && path[0] < self.homes.len() as u64;
        known.then_some((u32::try_from(path[0]).ok()?, path[1], path[2]))
    }
}

impl<'w> Account<'w> {
    pub(crate) fn conversations(self) -> impl Iterator<Item = Conversation<'w>> {
        self.begun_conversations()
            .filter(|conversation| conversation.is_listed())
    }

    /// Those in which something was written so far, listed or not.
    pub(crate) fn begun_conversations(self) -> impl Iterator<Item = Conversation<'w>> {
        let all = (0..self.spec().conversations).map(move |index| Conversation {
            account: self,
            index,
        });
        all.filter(|conversation| conversation.written() > 0)
    }
}

impl<'w> Conversation<'w> {
    /// Conversation id.
    pub fn id(&self) -> String {
        let path = [u64::from(self.account.index()), u64::from(self.index), 0];
        self.account.world().encoded(CONVERSATION, path)
    }

    /// When the last message was written.
    pub fn updated_time(&self) -> DateTime<Utc> {
        self.messages()
            .next()
            .map_or(DateTime::UNIX_EPOCH, |message| message.created_time())
    }

    /// Instagram-scoped id of the person.
    pub fn partner_id(&self) -> String {
        self.seed()
            .with(1)
            .between(1_000_000_000_000_000, 9_999_999_999_999_999)
            .to_string()
    }

    /// Handle of the person.
    pub fn partner_username(&self) -> String {
        caption::username(self.seed().with(2))
    }

    /// Whether it is in the Requests folder.
    pub fn is_request(&self) -> bool {
        let per_mille = self.account.spec().requests_per_mille;
        self.seed().with(7).per_mille(per_mille)
    }

    /// The messages so far, newest first.
    pub fn messages(&self) -> impl Iterator<Item = Message<'w>> {
        let conversation = *self;
        (0..self.written()).rev().map(move |index| Message {
            conversation,
            index,
        })
    }

    pub(crate) fn account(&self) -> Account<'w> {
        self.account
    }

    /// Whether it is listed now: requests are, while they are active.
    pub(crate) fn is_listed(&self) -> bool {
        self.was_listed_since(self.account.now())
    }

    /// Whether it was listed at some time from an instant until now.
    pub(crate) fn was_listed_since(&self, instant: i64) -> bool {
        let quiet = instant - REQUEST_SPAN;
        !self.is_request() || self.updated_time().timestamp() >= quiet
    }

    fn written(self) -> u64 {
        self.timeline().count_at(self.account.now())
    }

    fn timeline(self) -> Timeline {
        Timeline {
            seed: self.seed().with(3),
            epoch: self.account.world().spec().epoch.timestamp(),
            before: u64::from(self.account.spec().messages_per_conversation),
            span: 20 * DAY,
            per_week: self.seed().with(4).between(0, 9),
        }
    }

    fn seed(self) -> Seed {
        self.account.seed().with(50).with(u64::from(self.index))
    }
}

impl<'w> Message<'w> {
    /// Message id.
    pub fn id(&self) -> String {
        let account = self.conversation.account;
        let path = [
            u64::from(account.index()),
            u64::from(self.conversation.index),
            self.index,
        ];
        account.world().encoded(MESSAGE, path)
    }

    /// When it was written.
    pub fn created_time(&self) -> DateTime<Utc> {
        let at = self.conversation.timeline().time_of(self.index);
        DateTime::from_timestamp(at, 0).unwrap_or_default()
    }

    /// What it says; nothing where it is a picture or of an unsupported kind.
    pub fn text(&self) -> String {
        if self.is_picture() || self.is_unsupported() {
            return String::new();
        }
        caption::remark(self.seed(5))
    }

    /// Whether the account wrote it, and not the other person.
    pub fn is_from_account(&self) -> bool {
        !self.conversation.is_request() && self.seed(6).per_mille(450)
    }

    /// Whether it is a picture and nothing else.
    pub fn is_picture(&self) -> bool {
        self.seed(8).per_mille(100)
    }

    /// Whether the API cannot tell what it is.
    pub fn is_unsupported(&self) -> bool {
        !self.is_picture() && self.seed(9).per_mille(50)
    }

    /// Whether the one who got it has reacted with a heart.
    pub fn has_reaction(&self) -> bool {
        self.seed(10).per_mille(100)
    }

    pub(crate) fn attachment_id(&self) -> u64 {
        self.seed(11)
            .between(1_000_000_000_000_000, 9_999_999_999_999_999)
    }

    fn seed(&self, name: u64) -> Seed {
        self.conversation.seed().with(name).with(self.index)
    }

    /// Whether it is among the most recent ones, of which details are told.
    pub fn has_details(&self) -> bool {
        self.index + DETAILED_MESSAGES >= self.conversation.written()
    }

    /// Whether its details were told at some time since an instant.
    pub(crate) fn had_details_since(&self, instant: i64) -> bool {
        let written_then = self.conversation.timeline().count_at(instant);
        self.index + DETAILED_MESSAGES >= written_then
    }

    pub(crate) fn conversation(&self) -> Conversation<'w> {
        self.conversation
    }
}
