//! Questions to the servers of a remote cache in their own protocol. A connection proves nothing: the
//! system accepts connections for a server that is stopped.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The time in which a server must answer.
pub(crate) const LIMIT: Duration = Duration::from_millis(300);

/// A server of a remote cache, and the protocol in which it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The name or the address of the host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The protocol.
    pub protocol: Protocol,
}

/// The protocol of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Redis, with the name and the password of the user.
    Redis {
        /// The user.
        user: Option<String>,
        /// The password.
        password: Option<String>,
    },
    /// HTTP without encryption.
    Http,
    /// Any protocol over TLS.
    Tls,
}

/// The answer of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pong {
    /// The time from the question to the answer, with the connection.
    pub time: Duration,
    /// The bytes that a Redis server uses, and its limit; zero for no limit.
    pub memory: Option<(u64, u64)>,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Endpoint {
    /// Asks the server, and waits for its answer at most [`LIMIT`].
    ///
    /// # Errors
    /// Returns a message if the server does not answer in time or refuses the question.
    pub(crate) fn ping(&self) -> Result<Pong, String> {
        let start = Instant::now();
        let end = start + LIMIT;
        let mut stream = self.connect(end)?;
        let (question, is_whole): (Vec<u8>, IsWhole) = match &self.protocol {
            Protocol::Redis { user, password } => {
                let mut question = Vec::new();
                if let Some(password) = password {
                    let words = user.iter().chain([password]).map(String::as_str);
                    question.extend(redis(["AUTH"].into_iter().chain(words)));
                }
                question.extend(redis(["PING"].into_iter()));
                question.extend(redis(["INFO", "memory"].into_iter()));
                (question, is_whole_info)
            }
            Protocol::Http => {
                let question = format!(
                    "HEAD / HTTP/1.1\r\nHost: {self}\r\nUser-Agent: xtask-kit\r\n\
                     Connection: close\r\n\r\n"
                );
                (question.into_bytes(), |answer| answer.len() >= 5)
            }
            Protocol::Tls => (client_hello(&self.host), |answer| !answer.is_empty()),
        };
        let send = |error| format!("{self} does not read the question: {error}");
        stream.write_all(&question).map_err(send)?;
        let answer = read(&mut stream, end, is_whole)
            .map_err(|why| format!("{self} accepts connections, but {why}"))?;
        let memory = self.judge(&answer)?;
        Ok(Pong {
            time: start.elapsed(),
            memory,
        })
    }

    /// Checks that an answer follows the endpoint's protocol.
    fn judge(&self, answer: &[u8]) -> Result<Option<(u64, u64)>, String> {
        let text = String::from_utf8_lossy(answer);
        match &self.protocol {
            Protocol::Redis { .. } => {
                if let Some(refusal) = text.lines().find_map(|line| line.strip_prefix('-'))
                    && !text.contains("+PONG")
                {
                    return Err(format!("{self} refuses: {refusal}"));
                }
                if !text.contains("+PONG") {
                    return Err(format!("{self} does not answer PING as Redis does"));
                }
                let value = |name: &str| {
                    let mut lines = text.lines();
                    lines.find_map(|line| line.trim().strip_prefix(name)?.parse::<u64>().ok())
                };
                Ok(value("used_memory:").zip(value("maxmemory:")))
            }
            Protocol::Http if text.starts_with("HTTP/") => Ok(None),
            Protocol::Http => Err(format!("{self} does not answer as an HTTP server does")),
            // The server's part of the handshake, or its refusal of this client.
            Protocol::Tls if matches!(answer[0], 0x15 | 0x16) => Ok(None),
            Protocol::Tls => Err(format!("{self} does not answer as a TLS server does")),
        }
    }

    fn connect(&self, end: Instant) -> Result<TcpStream, String> {
        let mut failure = format!("{} has no address", self.host);
        for address in self.addresses(end)? {
            match TcpStream::connect_timeout(&address, left(end)) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = format!("{self}: {error}"),
            }
        }
        Err(failure)
    }

    /// Returns the addresses of the host. The system's resolver has no time limit, so another thread
    /// asks it.
    fn addresses(&self, end: Instant) -> Result<Vec<SocketAddr>, String> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let (sender, receiver) = mpsc::channel();
        let asked = (self.host.clone(), self.port);
        thread::spawn(move || {
            let found = asked.to_socket_addrs().map(Iterator::collect);
            drop(sender.send(found));
        });
        match receiver.recv_timeout(left(end)) {
            Ok(found) => found.map_err(|error| format!("{}: {error}", self.host)),
            Err(_) => Err(format!("the address of {} is not found in time", self.host)),
        }
    }
}

/// A test of an answer: true if nothing more is awaited.
type IsWhole = fn(&[u8]) -> bool;

/// Returns the time until `end`. A time limit of zero would be an error, so it is one millisecond at
/// least.
fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
        .max(Duration::from_millis(1))
}

/// Reads an answer until it is whole, until the server closes the connection, or until `end`.
fn read(stream: &mut TcpStream, end: Instant, is_whole: IsWhole) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&answer) && answer.len() < 1 << 16 {
        let limit = stream.set_read_timeout(Some(left(end)));
        limit.map_err(|error| error.to_string())?;
        match stream.read(&mut piece) {
            Ok(0) if answer.is_empty() => return Err("closes them without an answer".to_owned()),
            Ok(0) => break,
            Ok(length) => answer.extend(&piece[..length]),
            Err(_) => return Err(format!("does not answer within {} ms", LIMIT.as_millis())),
        }
        if Instant::now() > end && !is_whole(&answer) {
            return Err(format!("does not answer within {} ms", LIMIT.as_millis()));
        }
    }
    Ok(answer)
}

/// Returns a command in Redis's protocol.
fn redis<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Vec<u8> {
    let count = words.clone().count();
    let words = words.map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{count}\r\n{}", words.collect::<String>()).into_bytes()
}

/// Returns true if the answers to `PING` and `INFO memory` are whole. A refusal is whole at once.
fn is_whole_info(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let has_ended = text.ends_with("\r\n");
    let is_refused = text.lines().any(|line| line.starts_with('-'));
    has_ended && (is_refused || text.contains("+PONG") && text.contains("maxmemory:"))
}

/// Returns the first message of a TLS client, with the name of the server. Every TLS server answers
/// it: with its own part of the handshake or with an alert.
fn client_hello(host: &str) -> Vec<u8> {
    let prefixed = |bytes: Vec<u8>| {
        let length = u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
        [length.to_vec(), bytes].concat()
    };
    let extension =
        |kind: u16, body: Vec<u8>| [kind.to_be_bytes().to_vec(), prefixed(body)].concat();
    let is_name = host.parse::<IpAddr>().is_err() && host.len() < 256;
    let mut extensions = Vec::new();
    if is_name {
        let name = [vec![0], prefixed(host.as_bytes().to_vec())].concat();
        extensions.extend(extension(0, prefixed(name)));
    }
    // Curves x25519 and secp256r1, and common signatures.
    extensions.extend(extension(10, prefixed(vec![0, 29, 0, 23])));
    extensions.extend(extension(13, prefixed(vec![4, 3, 8, 4, 4, 1])));
    let body = [
        vec![3, 3],
        vec![7; 32],
        vec![0],
        // ECDHE with AES-GCM, for ECDSA and RSA.
        prefixed(vec![0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x30]),
        vec![1, 0],
        prefixed(extensions),
    ]
    .concat();
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let handshake = [vec![1], length[1..].to_vec(), body].concat();
    [vec![0x16, 3, 1], prefixed(handshake)].concat()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Starts a server that answers each connection with these bytes; nothing is sent for an empty
    /// answer, and the connection stays open.
    fn server(answer: &'static str) -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let other = listener.try_clone().unwrap();
        thread::spawn(move || {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = other.accept() {
                let mut question = [0; 512];
                drop(stream.read(&mut question));
                drop(stream.write_all(answer.as_bytes()));
                open.push(stream);
            }
        });
        (listener, port)
    }

    fn endpoint(port: u16, protocol: Protocol) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port,
            protocol,
        }
    }

    const REDIS: Protocol = Protocol::Redis {
        user: None,
        password: None,
    };

    #[test]
    fn only_an_answer_in_the_protocol_counts() {
        let info = "+PONG\r\n$40\r\n# Memory\r\nused_memory:17\r\nmaxmemory:0\r\n\r\n";
        for (protocol, answer, expected) in [
            (REDIS, info, ""),
            (
                REDIS,
                "-NOAUTH Authentication required.\r\n",
                "refuses: NOAUTH",
            ),
            (
                REDIS,
                "HTTP/1.1 400 Bad Request\r\n",
                "does not answer within 300 ms",
            ),
            (REDIS, "", "does not answer within 300 ms"),
            (Protocol::Http, "HTTP/1.1 403 Forbidden\r\n\r\n", ""),
            (
                Protocol::Http,
                "-ERR unknown\r\n",
                "not answer as an HTTP server",
            ),
            (Protocol::Http, "", "does not answer within 300 ms"),
            (Protocol::Tls, "\x15\x03\x01\0\x02\x02\x28", ""),
            (
                Protocol::Tls,
                "HTTP/1.1 400 Bad Request\r\n",
                "not answer as a TLS server",
            ),
            (Protocol::Tls, "", "does not answer within 300 ms"),
        ] {
            let (_listener, port) = server(answer);
            let start = Instant::now();
            let result = endpoint(port, protocol.clone()).ping();
            let said = result.as_ref().err().cloned().unwrap_or_default();
            assert!(said.contains(expected), "{protocol:?} {answer:?}: {said}");
            assert_eq!(result.is_ok(), expected.is_empty(), "{answer:?}: {said}");
            assert!(start.elapsed() < Duration::from_secs(2), "{answer:?}");
            if answer == info {
                assert_eq!(result.unwrap().memory, Some((17, 0)));
            }
        }
    }

    /// A server that is stopped by a signal still accepts connections: the system does so.
    #[test]
    fn a_server_that_never_reads_does_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let said = endpoint(port, REDIS).ping().unwrap_err();
        assert_eq!(
            said,
            format!("127.0.0.1:{port} accepts connections, but does not answer within 300 ms")
        );
        drop(listener);
        let said = endpoint(port, REDIS).ping().unwrap_err();
        assert!(said.starts_with(&format!("127.0.0.1:{port}: ")), "{said}");
    }

    #[test]
    fn redis_gets_the_password_first() {
        let words = ["AUTH", "team", "käse"];
        let question = redis(words.into_iter());
        assert_eq!(
            String::from_utf8(question).unwrap(),
            "*3\r\n$4\r\nAUTH\r\n$4\r\nteam\r\n$5\r\nkäse\r\n"
        );
    }
}
