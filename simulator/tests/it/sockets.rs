//! Real sockets inside the test's own runtime.

use igsync_simulator::{Fault, Match};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::probe::Probe;

const REQUEST: &[u8] =
    b"GET /v25.0/me?access_token=SIM-main HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn serves_http_on_a_unix_socket_and_can_break_the_connection() {
    let probe = Probe::small();
    let directory = std::env::temp_dir().join(format!("igsync-simulator-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("graph.sock");
    let server = probe.simulator.serve_unix(&path).await.unwrap();
    let mut answer = Vec::new();
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"name\":\"Sim User\""),
        "{answer}"
    );

    probe.simulator.inject(Fault::on(Match::any()).reset());
    let mut nothing = Vec::new();
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let _ = stream.read_to_end(&mut nothing).await;
    assert!(nothing.is_empty(), "{}", String::from_utf8_lossy(&nothing));

    probe.simulator.clear_journal();
    probe.simulator.inject(Fault::on(Match::any()).broken_off());
    let mut half = Vec::new();
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let _ = stream.read_to_end(&mut half).await;
    let half = String::from_utf8(half).unwrap();
    let (head, half) = half.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(half.contains("{\"name\":") && !half.contains('}'), "{half}");
    assert!(!half.ends_with("0\r\n\r\n"), "no end is told: {half}");
    let call = &probe.simulator.journal()[0];
    assert!(call.faulted && (call.status, call.cost) == (200, 1));

    let batch = "access_token=SIM-main&batch=[{\"relative_url\":\"me\"}]";
    let length = batch.len();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{batch}"
    );
    probe.simulator.clear_journal();
    probe.simulator.inject(Fault::on(Match::batch()).reset());
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let _ = stream.read_to_end(&mut nothing).await;
    assert!(nothing.is_empty(), "{}", String::from_utf8_lossy(&nothing));
    let journal = probe.simulator.journal();
    let calls: Vec<_> = journal
        .iter()
        .map(|call| (call.status, call.cost))
        .collect();
    assert_eq!(calls, [(0, 0), (0, 1)]);
    server.abort();
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn serves_http_on_a_tcp_socket() {
    let probe = Probe::small();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = probe.simulator.serve_tcp(listener).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    server.abort();
}
