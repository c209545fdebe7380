//! The listeners, with real sockets: whatever some clients do, the others are served.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::api::server::serve_with;
use crate::api::timed::Patience;

/// How long what must come may take on a busy machine: less than the timers that would bring it by themselves.
const LIMIT: Duration = Duration::from_secs(8);

/// Timers that do not run out in a test.
const PATIENT: Patience = Patience {
    head: Duration::from_secs(600),
    idle: Duration::from_secs(600),
    unread: Duration::from_secs(600),
    end: Duration::from_secs(10),
};

/// A client's end of a connection.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Duplex for S {}

/// The API behind sockets.
struct Door {
    api: Api,
    public: SocketAddr,
    admin: SocketAddr,
    stop: CancellationToken,
    serving: TaskTracker,
}

impl Door {
    async fn open(name: &str, patience: Patience, limits: config::Api) -> Self {
        let api = Api::with(name, limits).await;
        let listen = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listeners = Listeners {
            links: None,
            public: listen().await,
            admin: listen().await,
            secured: Secured::new(&config::Config::default(), &api.app.metrics),
        };
        let address = |listener: &TcpListener| listener.local_addr().unwrap();
        let (public, admin) = (address(&listeners.public), address(&listeners.admin));
        let (stop, serving) = (CancellationToken::new(), TaskTracker::new());
        let app = App {
            stopping: stop.clone(),
            ..api.app.clone()
        };
        serving.spawn(serve_with(patience, listeners, app, stop.clone()));
        serving.close();
        Self {
            api,
            public,
            admin,
            stop,
            serving,
        }
    }

    fn cut(&self, listener: &str, reason: &str) -> u64 {
        let cut = &self.api.app.metrics.http_connections_cut_total;
        cut.with_label_values(&[listener, reason]).get()
    }

    fn connected(&self, listener: &str) -> i64 {
        self.api
            .app
            .metrics
            .http_connections
            .with_label_values(&[listener])
            .get()
    }

    /// So many slow campaigns of one tenant, all of them being read.
    async fn slow_posts(&self, count: u32, key: &str, headers: &str) -> Vec<impl Duplex> {
        let mut posts = Vec::new();
        for _ in 0..count {
            posts.push(slow_post(self, key, headers).await);
        }
        self.until("all are under way", |door| door.api.app.shares.under_way() == count)
            .await;
        posts
    }

    async fn until(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        let poll = async {
            while !reached(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(tokio::time::timeout(LIMIT, poll).await.is_ok(), "never: {what}");
    }

    async fn close(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(20), self.serving.wait()).await;
        assert!(ended.is_ok(), "the server does not end");
    }
}

/// A client on that loopback address, which takes little at once.
async fn connect_from(last: u8, to: SocketAddr) -> impl Duplex {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
    socket.connect(to).await.unwrap()
}

async fn connect(to: SocketAddr) -> impl Duplex {
    connect_from(1, to).await
}

/// What comes until the connection ends or an answer of little length is whole.
async fn answer(stream: &mut impl Duplex) -> String {
    let mut answer = Vec::new();
    let reading = async {
        while stream.read_buf(&mut answer).await.is_ok_and(|octets| octets > 0) {
            if is_whole(&answer) {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, reading).await.expect("an answer in time");
    String::from_utf8(answer).unwrap()
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

async fn said(to: SocketAddr, request: &str) -> String {
    let mut stream = connect(to).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(&mut stream).await
}

/// A request for a campaign whose body is `length` octets long.
fn order(key: &str, length: usize) -> String {
    format!("POST /v1/campaigns HTTP/1.1\r\nauthorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n")
}

/// A client whose campaign never comes to its end.
async fn slow_post(door: &Door, key: &str, headers: &str) -> impl Duplex {
    let mut stream = connect(door.public).await;
    let head = order(key, 5_000).replace("\r\n\r\n", &format!("\r\n{headers}\r\n{{\"name\":"));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn slow_head(to: SocketAddr, from: u8) -> impl Duplex {
    let mut stream = connect_from(from, to).await;
    stream.write_all(b"GET /v1/campaigns HTTP/1.1\r\nhost:").await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_answers_and_ends_when_told() {
    let door = Door::open("door-ends", PATIENT, config::Api::default()).await;
    let live = said(door.admin, "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");
    // A head that never ends, octets that are no HTTP, and a body that says to be too long.
    let silent = slow_head(door.public, 1).await;
    let garbage = said(door.public, "\0\0\0\x10\0\0\0\x15 garbage\r\n\r\n").await;
    assert!(garbage.starts_with("HTTP/1.1 400"), "{garbage}");
    let (_, key) = door.api.tenant(0).await;
    let long = said(door.public, &order(&key, 999_999)).await;
    assert!(long.starts_with("HTTP/1.1 413"), "{long}");
    door.close().await;
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seventy_slow_campaigns_of_one_tenant_delay_no_other() {
    let door = Door::open("door-uploads", PATIENT, config::Api::default()).await;
    let ((_, noisy), (_, quiet)) = (door.api.tenant(0).await, door.api.tenant(0).await);
    let mut posts = JoinSet::new();
    for _ in 0..70 {
        let mut post = slow_post(&door, &noisy, "").await;
        posts.spawn(async move {
            let mut answer = vec![0; 2_048];
            let length = post.read(&mut answer).await.unwrap_or(0);
            String::from_utf8_lossy(&answer[..length]).into_owned()
        });
    }
    for _ in 0..62 {
        let refused = tokio::time::timeout(LIMIT, posts.join_next()).await;
        let refused = refused.expect("at once").unwrap().unwrap();
        assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
        assert!(
            refused.contains("retry-after: 5") && refused.contains("At most 8 campaigns"),
            "{refused}"
        );
    }
    let body = body(0..3, "Bonjour");
    let made = said(door.public, &(order(&quiet, body.len()) + &body)).await;
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    // Its own other requests are served as well, and the eight are still on their way.
    let own = format!("GET /v1/tenant HTTP/1.1\r\nauthorization: Bearer {noisy}\r\n\r\n");
    assert!(said(door.public, &own).await.starts_with("HTTP/1.1 200"));
    assert_eq!(posts.len(), 8);
    posts.shutdown().await;
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_slow_heads_than_places_keep_nobody_out() {
    let limits = config::Api {
        connections_max: 20,
        ..config::Api::default()
    };
    let door = Door::open("door-heads", PATIENT, limits).await;
    let mut heads = Vec::new();
    for _ in 0..60 {
        heads.push(slow_head(door.public, 2).await);
    }
    let served = said(door.public, "GET /v1/tenant HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(served.starts_with("HTTP/1.1 401"), "{served}");
    assert_eq!(door.cut("public", "gave_way"), 41);
    // Those that gave way are closed indeed, the longest waiting first.
    assert_eq!(answer(&mut heads[0]).await, "");
    let live = said(door.admin, "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_takes_its_share_takes_nothing_of_others() {
    let limits = config::Api {
        address_connections_max: 5,
        ..config::Api::default()
    };
    let door = Door::open("door-address", PATIENT, limits).await;
    let mut quiet = connect_from(3, door.public).await;
    let ask = b"GET /v1/tenant HTTP/1.1\r\nhost: x\r\n\r\n";
    quiet.write_all(ask).await.unwrap();
    assert!(answer(&mut quiet).await.starts_with("HTTP/1.1 401"));
    let mut heads = Vec::new();
    for _ in 0..25 {
        heads.push(slow_head(door.public, 2).await);
    }
    door.until("twenty gave way", |door| door.cut("public", "gave_way") == 20)
        .await;
    door.until("five and one are left", |door| door.connected("public") == 6)
        .await;
    // Its connection is older than all of theirs, and still there.
    quiet.write_all(ask).await.unwrap();
    assert!(answer(&mut quiet).await.starts_with("HTTP/1.1 401"));
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_whose_connections_are_all_being_served_is_refused() {
    let limits = config::Api {
        address_connections_max: 2,
        ..config::Api::default()
    };
    let door = Door::open("door-served", PATIENT, limits).await;
    let (_, key) = door.api.tenant(0).await;
    let posts = door.slow_posts(2, &key, "").await;
    let told = answer(&mut connect(door.public).await).await;
    assert!(told.starts_with("HTTP/1.1 429"), "{told}");
    assert_eq!(door.cut("public", "refused"), 1);
    let mut other = connect_from(2, door.public).await;
    other
        .write_all(b"GET /v1/tenant HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(answer(&mut other).await.starts_with("HTTP/1.1 401"));
    drop(posts);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_head_is_cut_off_and_an_idle_connection_is_kept() {
    let patience = Patience {
        head: Duration::from_secs(1),
        ..PATIENT
    };
    let door = Door::open("door-late", patience, config::Api::default()).await;
    let mut idle = connect(door.public).await;
    let ask = b"GET /v1/tenant HTTP/1.1\r\nhost: x\r\n\r\n";
    idle.write_all(ask).await.unwrap();
    assert!(answer(&mut idle).await.starts_with("HTTP/1.1 401"));
    // One that drips, and one that says nothing at all.
    let (mut dripping, mut silent) = (slow_head(door.public, 2).await, connect_from(2, door.public).await);
    let drip = async {
        while dripping.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, drip).await.is_ok(), "it may drip for ever");
    assert_eq!(answer(&mut silent).await, "");
    assert_eq!(door.cut("public", "late_head"), 2);
    idle.write_all(ask).await.unwrap();
    assert!(answer(&mut idle).await.starts_with("HTTP/1.1 401"));
    // Its next head has the same time, and no more.
    idle.write_all(b"GET /v1/tenant HTTP/1.1\r\nhost:").await.unwrap();
    assert_eq!(answer(&mut idle).await, "");
    assert_eq!(door.cut("public", "late_head"), 3);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_cut_off() {
    let patience = Patience {
        unread: Duration::from_millis(200),
        ..PATIENT
    };
    let door = Door::open("door-unread", patience, config::Api::default()).await;
    let mut deaf = connect(door.admin).await;
    // More answers than all buffers on the way can hold.
    let asks = "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".repeat(2_000);
    let asked = tokio::time::timeout(LIMIT, deaf.write_all(asks.as_bytes())).await;
    assert!(asked.is_ok(), "neither taken nor cut off");
    door.until("cut off", |door| door.cut("admin", "unread") == 1).await;
    door.until("gone", |door| door.connected("admin") == 0).await;
    let live = said(door.admin, "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_has_a_number_of_requests_at_once() {
    let limits = config::Api {
        tenant_requests_max: 3,
        ..config::Api::default()
    };
    let door = Door::open("door-requests", PATIENT, limits).await;
    let ((_, noisy), (_, quiet)) = (door.api.tenant(0).await, door.api.tenant(0).await);
    let own = |key: &str| format!("GET /v1/tenant HTTP/1.1\r\nauthorization: Bearer {key}\r\n\r\n");
    let posts = door.slow_posts(3, &noisy, "").await;
    let refused = said(door.public, &own(&noisy)).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(
        refused.contains("At most 3 concurrent requests per tenant (tenant_requests_max)"),
        "{refused}"
    );
    assert!(said(door.public, &own(&quiet)).await.starts_with("HTTP/1.1 200"));
    drop(posts);
    door.until("the places are free again", |door| door.api.app.shares.under_way() == 0)
        .await;
    assert!(said(door.public, &own(&noisy)).await.starts_with("HTTP/1.1 200"));
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_trusted_proxy_the_forwarded_address_has_the_share() {
    let limits = config::Api {
        address_connections_max: 2,
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..config::Api::default()
    };
    let door = Door::open("door-proxy", PATIENT, limits).await;
    let (_, key) = door.api.tenant(0).await;
    let posts = door.slow_posts(2, &key, "x-forwarded-for: 192.0.2.1\r\n").await;
    let own = |client: &str| {
        format!(
            "GET /v1/tenant HTTP/1.1\r\nauthorization: Bearer {key}\r\nx-forwarded-for: 203.0.113.9, {client}\r\n\r\n"
        )
    };
    let refused = said(door.public, &own("192.0.2.1")).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(
        refused.contains("At most 2 concurrent requests per address"),
        "{refused}"
    );
    let other = said(door.public, &own("192.0.2.2")).await;
    assert!(other.starts_with("HTTP/1.1 200"), "{other}");
    drop(posts);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_bound_to_an_address_holds_for_whom_a_trusted_proxy_speaks() {
    let limits = config::Api {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..config::Api::default()
    };
    let door = Door::open("door-bound", PATIENT, limits).await;
    let (tenant, _) = door.api.tenant(0).await;
    let bounds = crate::domain::KeyBounds {
        addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        ..Default::default()
    };
    let owner = tenant.parse::<crate::domain::TenantId>().unwrap().into();
    let made = door.api.app.accounts.add_key(owner, ("", bounds)).await;
    let (_, key) = made.unwrap();
    for (forwarded, status) in [
        ("198.51.100.1, 192.0.2.7", 200),
        ("192.0.2.7, 192.0.2.8", 403),
        ("2001:db8::1", 200),
        ("2001:db8::2", 403),
        ("", 403),
    ] {
        let request =
            format!("GET /v1/tenant HTTP/1.1\r\nauthorization: Bearer {key}\r\nx-forwarded-for: {forwarded}\r\n\r\n");
        let answer = said(door.public, &request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{forwarded}: {answer}"
        );
    }
    door.close().await;
}
