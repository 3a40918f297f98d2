//! The remote caches of sccache: their kinds, their settings and their servers.

use toml::Table;

use super::ping::{Endpoint, Pong, Protocol};

/// A function that returns the value of an environment variable.
pub(crate) type ReadVariable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The kinds of remote caches: those that the kit sets up, and those that only sccache knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemoteKind {
    /// A Redis server.
    Redis,
    /// A bucket of S3, or of a server with its protocol.
    S3,
    /// A bucket of Google Cloud Storage.
    Gcs,
    /// The cache of GitHub Actions.
    Gha,
    /// Another remote cache of sccache.
    Other,
}

/// The names of remote caches in sccache's chains, in the order in which sccache uses them without a
/// chain.
pub(super) const REMOTES: [(&str, RemoteKind); 9] = [
    ("s3", RemoteKind::S3),
    ("redis", RemoteKind::Redis),
    ("memcached", RemoteKind::Other),
    ("gcs", RemoteKind::Gcs),
    ("gha", RemoteKind::Gha),
    ("azure", RemoteKind::Other),
    ("webdav", RemoteKind::Other),
    ("oss", RemoteKind::Other),
    ("cos", RemoteKind::Other),
];

/// A remote cache.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remote {
    /// The kind.
    pub kind: RemoteKind,
    /// The name for people, without credentials: `redis 10.0.0.1:6379`.
    pub name: String,
    /// The servers; empty if the kit cannot ask them.
    pub endpoints: Vec<Endpoint>,
}

impl Remote {
    /// Asks every server of the remote cache. Returns the slowest answer.
    ///
    /// # Errors
    /// Returns a message if a server does not answer, or if the kit cannot ask the servers.
    pub(crate) fn ping(&self) -> Result<Pong, String> {
        let mut slowest: Option<Pong> = None;
        for endpoint in &self.endpoints {
            let pong = endpoint.ping()?;
            if slowest.as_ref().is_none_or(|it| it.time < pong.time) {
                slowest = Some(pong);
            }
        }
        slowest.ok_or_else(|| format!("the kit cannot ask the servers of {}", self.name))
    }
}

/// The places that set a remote cache. Variables replace the whole table.
pub(super) struct RemoteSource<'a> {
    pub(super) name: &'a str,
    pub(super) kind: RemoteKind,
    /// The table of the configuration file.
    pub(super) table: Option<&'a Table>,
    pub(super) variable: ReadVariable<'a>,
}

impl RemoteSource<'_> {
    fn of_file(&self, key: &str) -> Option<String> {
        let value = self.table?.get(key)?;
        let plain = value.as_bool().map(|it| it.to_string());
        plain.or_else(|| value.as_str().map(str::to_owned))
    }

    fn is_by_variable(&self, names: &[&str]) -> bool {
        names.iter().any(|name| (self.variable)(name).is_some())
    }

    /// Returns the remote cache, if it is set.
    pub(super) fn remote(&self) -> Option<Remote> {
        match self.kind {
            RemoteKind::Redis => self.redis(),
            RemoteKind::S3 => self.s3(),
            RemoteKind::Gcs => {
                let bucket =
                    (self.variable)("SCCACHE_GCS_BUCKET").or_else(|| self.of_file("bucket"))?;
                let endpoints = http("https://storage.googleapis.com", true)
                    .into_iter()
                    .collect();
                Some(named_remote(self.kind, self.name, Some(&bucket), endpoints))
            }
            RemoteKind::Gha => {
                let is_set = self.is_by_variable(&["SCCACHE_GHA_ENABLED", "SCCACHE_GHA_VERSION"]);
                (is_set || self.table.is_some()).then(|| {
                    let url = (self.variable)("ACTIONS_RESULTS_URL")
                        .or_else(|| (self.variable)("ACTIONS_CACHE_URL"));
                    let endpoint = url.and_then(|url| http(&url, true));
                    named_remote(self.kind, self.name, None, endpoint.into_iter().collect())
                })
            }
            RemoteKind::Other => {
                let names: &[&str] = match self.name {
                    "memcached" => &["SCCACHE_MEMCACHED", "SCCACHE_MEMCACHED_ENDPOINT"],
                    "azure" => &["SCCACHE_AZURE_BLOB_CONTAINER"],
                    "webdav" => &["SCCACHE_WEBDAV_ENDPOINT"],
                    "oss" => &["SCCACHE_OSS_BUCKET"],
                    _ => &["SCCACHE_COS_BUCKET"],
                };
                let is_set = self.is_by_variable(names) || self.table.is_some();
                is_set.then(|| named_remote(self.kind, self.name, None, Vec::new()))
            }
        }
    }

    fn redis(&self) -> Option<Remote> {
        let names = [
            "SCCACHE_REDIS_ENDPOINT",
            "SCCACHE_REDIS_CLUSTER_ENDPOINTS",
            "SCCACHE_REDIS",
        ];
        let value = |key: &str, name: &str| match self.is_by_variable(&names) {
            true => (self.variable)(name),
            false => self.of_file(key),
        };
        let urls = [
            value("endpoint", names[0]),
            value("cluster_endpoints", names[1]),
            value("url", names[2]),
        ];
        let urls = urls.into_iter().flatten().next()?;
        let user = value("username", "SCCACHE_REDIS_USERNAME");
        let password = value("password", "SCCACHE_REDIS_PASSWORD");
        let parsed = urls.split(',').map(|url| {
            let mut endpoint = redis(url.trim())?;
            if let Protocol::Redis {
                user: own,
                password: secret,
            } = &mut endpoint.protocol
            {
                *own = own.take().or_else(|| user.clone());
                *secret = secret.take().or_else(|| password.clone());
            }
            Some(endpoint)
        });
        let endpoints = parsed.collect::<Option<Vec<_>>>().unwrap_or_default();
        Some(named_remote(self.kind, self.name, None, endpoints))
    }

    fn s3(&self) -> Option<Remote> {
        let by_variable = self.is_by_variable(&["SCCACHE_BUCKET"]);
        let value = |key: &str, name: &str| match by_variable {
            true => (self.variable)(name),
            false => self.of_file(key),
        };
        let bucket = value("bucket", "SCCACHE_BUCKET")?;
        let region = value("region", "SCCACHE_REGION").filter(|it| it != "auto");
        let endpoint = value("endpoint", "SCCACHE_ENDPOINT");
        let ssl = value("use_ssl", "SCCACHE_S3_USE_SSL");
        let is_ssl = ssl.is_some_and(|it| ["true", "on", "1"].contains(&it.as_str()));
        let endpoint = match endpoint {
            Some(url) => http(&url, is_ssl),
            None => {
                let region = region.as_deref().unwrap_or("us-east-1");
                http(&format!("https://s3.{region}.amazonaws.com"), true)
            }
        };
        let endpoints = endpoint.into_iter().collect();
        Some(named_remote(self.kind, self.name, Some(&bucket), endpoints))
    }
}

/// Makes a remote cache with a name for people: the kind, the bucket, and the servers.
fn named_remote(
    kind: RemoteKind,
    name: &str,
    bucket: Option<&str>,
    endpoints: Vec<Endpoint>,
) -> Remote {
    let servers = endpoints.iter().map(Endpoint::to_string);
    let words = [name, bucket.unwrap_or_default()].map(str::to_owned);
    let words = words.into_iter().chain(servers).filter(|it| !it.is_empty());
    Remote {
        kind,
        name: words.collect::<Vec<_>>().join(" "),
        endpoints,
    }
}

/// The parts of a URL.
#[derive(Debug, PartialEq)]
pub(crate) struct UrlParts {
    /// The scheme in small letters; empty if there is none.
    pub scheme: String,
    /// The name of the user and the password, as written in the URL.
    pub user: Option<(String, Option<String>)>,
    /// The host, without brackets.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// The rest, with its first character.
    pub rest: String,
}

/// Splits a URL, with or without a scheme. Returns `None` if it has no host or no valid port.
pub(crate) fn url(text: &str) -> Option<UrlParts> {
    let (scheme, behind) = text.split_once("://").unwrap_or(("", text));
    let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
    let (authority, rest) = behind.split_at(end);
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let user = user
        .filter(|it| !it.is_empty())
        .map(|it| match it.split_once(':') {
            Some((name, password)) => (name.to_owned(), Some(password.to_owned())),
            None => (it.to_owned(), None),
        });
    let (host, port) = match place.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = port.map(str::parse::<u16>).transpose().ok()?;
    (!host.is_empty()).then(|| UrlParts {
        scheme: scheme.to_lowercase(),
        user,
        host: host.to_owned(),
        port,
        rest: rest.to_owned(),
    })
}

/// Returns the server of a Redis URL. `None` if the kit cannot ask it, as a server at a Unix socket.
fn redis(text: &str) -> Option<Endpoint> {
    let parts = url(text)?;
    let protocol = match parts.scheme.as_str() {
        "" | "redis" | "tcp" => {
            let user = parts.user.clone();
            Protocol::Redis {
                user: user
                    .as_ref()
                    .map(|it| decoded(&it.0))
                    .filter(|it| !it.is_empty()),
                password: user.and_then(|it| it.1).map(|it| decoded(&it)),
            }
        }
        "rediss" => Protocol::Tls,
        _ => return None,
    };
    Some(Endpoint {
        host: parts.host,
        port: parts.port.unwrap_or(6379),
        protocol,
    })
}

/// Returns the server of an HTTP URL. Without a scheme, `is_ssl` chooses the protocol.
fn http(text: &str, is_ssl: bool) -> Option<Endpoint> {
    let parts = url(text)?;
    let is_ssl = match parts.scheme.as_str() {
        "http" => false,
        "https" => true,
        _ => is_ssl,
    };
    Some(Endpoint {
        host: parts.host,
        port: parts.port.unwrap_or(if is_ssl { 443 } else { 80 }),
        protocol: if is_ssl {
            Protocol::Tls
        } else {
            Protocol::Http
        },
    })
}

/// Replaces `%40` and similar by the characters that they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%');
        let byte = hex.and_then(|it| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
