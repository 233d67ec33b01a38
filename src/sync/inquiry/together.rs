//! Questions that stand for others: what becomes of those when one answers for them, and when it is refused.

use chrono::{DateTime, Utc};

use super::{Inquiry, of_family};
use crate::graph::{Page, Reaction, Skip};
use crate::resource::{Question, Told};
use crate::store::{Answered, WholeList};

impl Inquiry<'_> {
    /// Takes a refusal for one of asking together: what nobody knows any more is left out by all, else the objects are asked about one by
    /// one. Gives the question back when the refusal is about something else.
    pub(super) fn recover_together(
        &mut self,
        mut question: Question,
        reaction: &Reaction,
        why: &str,
    ) -> Option<Question> {
        if question.stands_for.is_empty() {
            return Some(question);
        }
        match reaction {
            Reaction::DropMetric(place) if *place < question.metrics.len() => {
                let name = question.metrics[*place];
                self.refuse_unknown(&question, name, why);
                question.metrics.retain(|metric| *metric != name);
                self.waiting.push_front(question);
            }
            Reaction::Drop(names) if asks_for_any(&question, names) => {
                let families = families(&question);
                self.waiting.push_front(question);
                for family in families {
                    for name in names {
                        self.refuse_field(&family, name, why);
                    }
                }
            }
            Reaction::Shrink if question.limit.is_some_and(|limit| limit > 1) => {
                return Some(question);
            }
            Reaction::Shrink
            | Reaction::Drop(_)
            | Reaction::DropMetric(_)
            | Reaction::Skip(_)
            | Reaction::Restart
            | Reaction::EndOfList
            | Reaction::Mistake
            | Reaction::Fail => {
                self.is_careful |= *reaction == Reaction::Skip(Skip::BeforeConversion);
                self.ask_one_by_one(question);
            }
            _ => return Some(question),
        }
        None
    }

    /// Asks what a question stands for one by one, where it stood: the newest first.
    pub(super) fn ask_one_by_one(&mut self, question: Question) {
        let is_newer = |waiting: &Question| waiting.posted_at > question.posted_at;
        let mut newer = self
            .waiting
            .iter()
            .take_while(|waiting| is_newer(waiting))
            .count();
        for mut one in question.stands_for {
            if one.subject == question.subject {
                one.after.clone_from(&question.after);
            }
            // What has lost its last metric is no question.
            if !one.metrics.is_empty() || !one.fields.is_empty() {
                self.waiting.insert(newer, one);
                newer += 1;
            }
        }
    }

    /// Notes what an answer tells of the subjects that its question stands for; gives those that it does not tell of.
    pub(super) fn settle(
        &mut self,
        question: &mut Question,
        told: Vec<(Told, Option<WholeList>)>,
        now: DateTime<Utc>,
    ) {
        for (told, list) in told {
            let mut asked = question.stands_for.iter();
            let at = asked.position(|one| one.subject == told.subject);
            let one = match at {
                Some(at) => question.stands_for.remove(at),
                None => Question {
                    subject: told.subject.clone(),
                    object_id: Some(told.subject.clone()),
                    stands_for: Vec::new(),
                    ..question.clone()
                },
            };
            self.know(&one);
            let goes_on = told.cursor.is_some();
            let mut one = one;
            one.hears(told.news);
            let one = Question {
                mark: told.mark.or(one.mark),
                after: told.cursor.clone(),
                ..one
            };
            self.note(&one, (!goes_on).then_some(now), told.cursor, false);
            if goes_on {
                self.waiting.push_back(one);
            } else {
                self.answer(&one, &[], list);
            }
        }
    }

    /// Moves on behind an answer for many: to the next page as long as that is worth a call, then to what is left.
    pub(super) fn advance_together(
        &mut self,
        mut question: Question,
        page: &Page,
        now: DateTime<Utc>,
    ) {
        let told = std::mem::take(&mut self.told);
        let wanted = question.stands_for.len();
        let is_wanted_itself = !question.is_page();
        self.settle(&mut question, told, now);
        let is_worth_it = is_wanted_itself || question.stands_for.len() < wanted;
        if is_wanted_itself {
            // A list is marked with where its objects began to be told of.
            question.mark = Some(question.after.clone().unwrap_or_default());
            self.note(
                &question,
                page.next.is_none().then_some(now),
                page.next.clone(),
                false,
            );
        }
        if page.next.is_some() && is_worth_it && !question.stands_for.is_empty() {
            question.after.clone_from(&page.next);
            self.waiting.push_front(question);
            return;
        }
        question
            .stands_for
            .retain(|one| one.subject != question.subject);
        self.ask_one_by_one(question);
        if !is_worth_it {
            self.trust_no_page();
        }
    }

    /// The API did not list what it was asked to: the other pages would be as wrong.
    fn trust_no_page(&mut self) {
        for question in std::mem::take(&mut self.waiting) {
            if !question.is_page() {
                self.waiting.push_back(question);
            } else {
                self.waiting.extend(question.stands_for);
            }
        }
    }

    /// Notes what was answered: it is missing no more.
    pub(super) fn answer(
        &mut self,
        question: &Question,
        untold: &[&'static str],
        list: Option<WholeList>,
    ) {
        let extras = question.fields.extras();
        let fields = question.fields.all_names().into_iter();
        let metrics = question.metrics.iter().copied();
        let metrics = metrics.filter(|metric| !untold.contains(metric));
        let told = metrics
            .chain(fields)
            .chain(extras.iter().map(String::as_str));
        // Parts of what it tells may have come without these.
        let lacks_extras = self.lack_extras.contains(&question.subject);
        let told: Vec<&str> = told
            .filter(|name| !lacks_extras || !extras.iter().any(|extra| extra == name))
            .collect();
        let part = question.part();
        self.answered.push(Answered {
            object_id: question.object_id.clone(),
            is_part: part.is_some(),
            fields: told
                .iter()
                .map(|&name| name.to_owned())
                .chain(part)
                .collect(),
            families: told
                .iter()
                .map(|name| of_family(name, &question.family))
                .collect(),
            list,
        });
    }
}

/// Whether any of the fields is asked for, wherever it stands.
fn asks_for_any(question: &Question, names: &[String]) -> bool {
    let mut fields = question.fields.clone();
    names.iter().any(|name| fields.remove(name))
}

/// The families of the questions that one stands for.
pub(super) fn families(question: &Question) -> Vec<String> {
    if !question.is_page() {
        return vec![question.family.clone()];
    }
    let mut families: Vec<String> = question
        .stands_for
        .iter()
        .map(|one| one.family.clone())
        .collect();
    families.sort();
    families.dedup();
    families
}
