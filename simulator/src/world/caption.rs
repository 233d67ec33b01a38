//! Texts that people write: with emoji, writing from right to left, quotes, line breaks and worse.

use crate::seed::Seed;

const OPENINGS: [&str; 14] = [
    "Fresh out of the oven",
    "Wednesday, and the light is right",
    "\u{1F4F8} Behind the scenes \u{1F60D}\u{1F44D}\u{1F3FD}",
    "She said \"never again\" and came back \\o/",
    "It's 100% worth it; don't miss it",
    "שלום עולם \u{1F54A}",
    "مرحبا بالعالم",
    "Zażółć gęślą jaźń",
    "日本語のキャプション",
    "Line one\nline two\n\n\ttabbed",
    "A NUL \u{0} stands here",
    "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466} family & friends",
    "Robert'); DROP TABLE media;--",
    "<b>Not bold</b>, {not} [json], 1,5;2",
];

const HASHTAGS: [&str; 8] = [
    "#sourdough",
    "#smallmuseums",
    "#trailrunning",
    "#domorewithdata",
    "#été",
    "#2026",
    "#behindthescenes",
    "#no_filter",
];

const REMARKS: [&str; 12] = [
    "Beautiful!",
    "\u{1F60D}\u{1F60D}\u{1F60D}",
    "Where is this?",
    "So excited for this",
    "متى تفتحون؟",
    "מדהים!",
    "Do you ship to Norway?",
    "❤️❤️❤️",
    "That's \"the\" one",
    "I was there\ntoo",
    "#bigdata #data",
    "no.",
];

const NAMES: [&str; 12] = [
    "orchid",
    "lunathepuppy",
    "meimei",
    "cafe.noir",
    "j_doe",
    "sol",
    "pixel.pete",
    "nordwind",
    "ana.maria",
    "otter",
    "tiny_tim",
    "zoe",
];

pub(crate) fn caption(seed: Seed) -> String {
    let opening = seed.with(1).pick(&OPENINGS);
    let hashtag = seed.with(2).pick(&HASHTAGS);
    match seed.with(3).below(4) {
        0 => (*opening).to_owned(),
        1 => format!("{opening} {hashtag}"),
        2 => format!(
            "{opening}\n.\n{hashtag} {} thanks @{}",
            seed.with(4).pick(&HASHTAGS),
            username(seed.with(5))
        ),
        _ => format!("{opening} \u{2014} part {}", seed.with(6).between(2, 99)),
    }
}

pub(crate) fn remark(seed: Seed) -> String {
    let remark = *seed.with(1).pick(&REMARKS);
    if seed.with(2).per_mille(150) {
        return format!("@{} {remark}", username(seed.with(3)));
    }
    remark.to_owned()
}

/// A handle of somebody.
pub(crate) fn username(seed: Seed) -> String {
    format!(
        "{}{}",
        seed.with(1).pick(&NAMES),
        seed.with(2).below(10_000)
    )
}
