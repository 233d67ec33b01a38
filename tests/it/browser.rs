//! The status page of a real daemon in a real browser, without a window. In real time over loopback.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use igsync_simulator::WorldSpec;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::binary::Folder;
use crate::running::serve;

/// Pixels of a narrow phone.
const PHONE: u32 = 360;

/// A process of the test's; it is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A daemon that has something to tell, and where it tells it.
async fn daemon() -> (Folder, Process, String) {
    let mut spec = WorldSpec::many_accounts(1, 3, 40);
    // Its clock is compared with the API's.
    spec.epoch = igsync::clock::Clock::system().now();
    let (_simulator, folder) = serve(spec).await;
    let page = format!("127.0.0.1:{}", free_port());
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    let job = "[[job]]\nname = \"nightly\"\nschedule = \"30 2 * * *\"\nresources = [\"account\", \"media\"]\n";
    folder.configure(&format!("{config}{job}[web]\nlisten = \"{page}\"\n"));
    let filled = tokio::task::spawn_blocking({
        let mut command = folder.command(&["backfill"]);
        move || command.output().unwrap()
    });
    let filled = filled.await.unwrap();
    assert!(
        filled.status.code() == Some(0) || filled.status.code() == Some(3),
        "{filled:?}"
    );
    let mut command = folder.command(&["run"]);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let running = Process(command.spawn().unwrap());
    (folder, running, format!("http://{page}"))
}

/// A browser that is told what to do by the WebDriver protocol.
struct Browser {
    http: reqwest::Client,
    session: String,
    _driver: Process,
}

impl Browser {
    async fn open(options: Value) -> Self {
        let port = free_port();
        let mut driver = Command::new("chromedriver");
        let driver = driver
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let driver = Process(driver.spawn().unwrap());
        let base = format!("http://127.0.0.1:{port}");
        let http = igsync::graph::http_client(&base).unwrap();
        until_answered(&http, &format!("{base}/status")).await;
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let answer = post(&http, &format!("{base}/session"), &wanted).await;
        let id = answer["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        Self {
            session: format!("{base}/session/{id}"),
            http,
            _driver: driver,
        }
    }

    async fn tell(&self, what: &str, body: Value) -> Value {
        post(&self.http, &format!("{}/{what}", self.session), &body).await
    }

    async fn evaluate(&self, script: &str) -> Value {
        self.tell("execute/sync", json!({"script": script, "args": []}))
            .await
    }

    async fn press(&self, key: &str) {
        let keys = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]});
        self.tell("actions", actions).await;
    }

    async fn close(self) {
        let _ = self.http.delete(&self.session).send().await;
    }
}

async fn post(http: &reqwest::Client, url: &str, body: &Value) -> Value {
    let request = http.post(url).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    answer["value"].take()
}

async fn until_answered(http: &reqwest::Client, url: &str) {
    for _ in 0..600 {
        if http.get(url).send().await.is_ok() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody answers at {url}");
}

fn options(width: u32) -> Value {
    // Root may not use Chromium's sandbox; the page is ours.
    let size = format!("--window-size={width},900");
    let mut options = json!({"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", size]});
    if width == PHONE {
        options["mobileEmulation"] =
            json!({"deviceMetrics": {"width": PHONE, "height": 740, "pixelRatio": 2.0}});
    }
    options
}

/// Lets the daemon refuse a configuration, for a reason that is long and has no blank in it.
async fn complain(folder: &Folder, daemon: &Process, http: &reqwest::Client, page: &str) {
    let config = std::fs::read_to_string(folder.path("igsync.toml")).unwrap();
    folder.configure(&config.replace("[[job]]", &format!("{} = 1\n[[job]]", "wrong".repeat(30))));
    let mut kill = Command::new("kill");
    let status = kill.args(["-HUP", &daemon.0.id().to_string()]).status();
    assert!(status.unwrap().success());
    for _ in 0..100 {
        let told = http.get(page).send().await.unwrap().text().await.unwrap();
        if told.contains("is not taken over") {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("the page does not tell");
}

#[tokio::test]
#[cfg_attr(not(browser), ignore = "chromium and chromedriver are not here")]
async fn the_page_works_on_a_phone_by_keyboard_and_without_anything_from_elsewhere() {
    let (folder, daemon, page) = daemon().await;
    for width in [1280, 700, PHONE] {
        let browser = Browser::open(options(width)).await;
        until_answered(&browser.http, &format!("{page}/healthz")).await;
        if width == 700 {
            complain(&folder, &daemon, &browser.http, &page).await;
        }
        browser.tell("url", json!({"url": page})).await;

        // What is so, and what to do, stands above everything else.
        let words = browser
            .evaluate("return document.querySelector('main').innerText")
            .await;
        let words = words.as_str().unwrap();
        let first = match width {
            1280 => "OK\n\nall is well; next is nightly at ",
            _ => "WARNING\n\nthe configuration is not taken over, the old one stays: ",
        };
        assert!(words.starts_with(first), "{words}");
        for word in ["nightly", "Accounts", "Pools", "Tokens"] {
            assert!(words.contains(word), "{word}: {words}");
        }
        let wider =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.evaluate(wider).await, json!(0), "{width} pixels");
        // The style is there, so its rules are.
        let styled = "return getComputedStyle(document.querySelector('header')).borderLeftStyle";
        assert_eq!(browser.evaluate(styled).await, json!("solid"));
        let loaded = "return performance.getEntriesByType('resource').map(e => e.name)";
        let loaded: Vec<String> = serde_json::from_value(browser.evaluate(loaded).await).unwrap();
        assert!(loaded.contains(&format!("{page}/style.css")));
        assert!(
            loaded.iter().all(|from| from.starts_with(&page)),
            "{loaded:?}"
        );
        let headings = "return [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])";
        let headings: Vec<u8> = serde_json::from_value(browser.evaluate(headings).await).unwrap();
        assert_eq!(headings[0], 1);
        assert!(
            headings.windows(2).all(|pair| pair[1] <= pair[0] + 1),
            "{headings:?}"
        );

        let reachable =
            "return [...document.querySelectorAll('a[href],summary')].map(e => e.textContent)";
        let reachable: Vec<String> =
            serde_json::from_value(browser.evaluate(reachable).await).unwrap();
        let mut visited = Vec::new();
        for _ in 0..reachable.len() {
            browser.press("\u{e004}").await;
            let focused = browser
                .evaluate("return document.activeElement.textContent")
                .await;
            visited.push(focused.as_str().unwrap().to_owned());
            let ring = "return getComputedStyle(document.activeElement).outlineStyle";
            assert_eq!(browser.evaluate(ring).await, json!("solid"), "{visited:?}");
        }
        assert_eq!(visited, reachable);
        // The last one is an account's: it unfolds.
        browser.press("\u{e007}").await;
        let open = "return document.querySelectorAll('details[open]').length";
        assert_eq!(browser.evaluate(open).await, json!(1));
        assert_eq!(
            browser.evaluate(wider).await,
            json!(0),
            "unfolded, {width} pixels"
        );

        let complaints = browser.tell("se/log", json!({"type": "browser"})).await;
        assert_eq!(complaints, json!([]));
        browser.close().await;
    }
}
