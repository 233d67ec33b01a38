//! The oracle knows what was asked of things that the API lists nowhere.

use igsync_simulator::{Fault, JOURNAL_TABLES, Match, Tables};
use serde_json::{Value, json};

use crate::probe::{BAKERY, Probe, ids};

fn tables(rows: Value) -> Tables {
    serde_json::from_value(rows).unwrap()
}

#[tokio::test]
async fn hashtags_are_expected_once_a_search_has_found_them() {
    let probe = Probe::demo();
    let simulator = &probe.simulator;
    assert!(simulator.expected(&JOURNAL_TABLES).rows["hashtags"].is_empty());
    let search = format!("/ig_hashtag_search?user_id={BAKERY}&q=");
    let found = probe.ok(&format!("{search}Sourdough")).await;
    probe.refused(&format!("{search}nobodyusesthis")).await;
    let id = ids(&found).remove(0);
    let expected = simulator.expected(&["hashtags"]);
    let held = tables(json!({"hashtags": {id.clone(): {"id": id, "name": "sourdough"}}}));
    assert_eq!(expected.rows, held);
}

#[tokio::test]
async fn mentions_are_expected_once_they_were_read_and_gone_once_they_were_deleted() {
    let probe = Probe::demo();
    let (simulator, world) = (&probe.simulator, probe.world());
    let comment = world.mentioning_comments(BAKERY).next().unwrap();
    let media = world.mentioned_media(BAKERY).next().unwrap().id();
    let path = format!("/{BAKERY}?fields=mentioned_media.media_id({media}){{caption,like_count}}");
    let read = probe.ok(&path).await["mentioned_media"].clone();
    let fields = format!("mentioned_comment.comment_id({}){{text}}", comment.id());
    probe.ok(&format!("/{BAKERY}?fields={fields}")).await;
    let of_media = format!("{BAKERY}/{media}");
    let of_comment = format!("{BAKERY}/{}", comment.id());
    let held = json!({"mentions": {
        of_media.clone(): read,
        of_comment.clone(): {"text": comment.text(), "media_id": comment.media_id()},
    }});
    let comparison = simulator.expected(&["mentions"]).compare(&tables(held));
    assert_eq!((comparison.rows, comparison.differences), (2, Vec::new()));
    let nothing = tables(json!({"mentions": {}}));
    let missing = simulator.expected(&["mentions"]).compare(&nothing);
    assert_eq!(missing.differences.len(), 2);
    world.delete_media(&media);
    assert_eq!(probe.refused(&path).await.subcode, Some(33));
    let expected = simulator.expected(&["mentions"]);
    assert!(expected.gone["mentions"].contains(&of_media));
    assert!(expected.rows["mentions"].contains_key(&of_comment));
}

#[tokio::test]
async fn what_a_broken_answer_told_may_be_held_or_not() {
    let probe = Probe::demo();
    let search = Match::path_ends_with("/ig_hashtag_search");
    probe.simulator.inject(Fault::on(search).cut_json());
    let path = format!("/ig_hashtag_search?user_id={BAKERY}&q=sourdough");
    assert_eq!(probe.get(&path).await.status, 200);
    let expected = probe.simulator.expected(&["hashtags"]);
    assert!(expected.rows["hashtags"].is_empty());
    assert_eq!(expected.optional["hashtags"].len(), 1);
}
