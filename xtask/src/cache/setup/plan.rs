//! The plan of `cache setup`: the changes of cargo's configuration and of sccache's configuration.

use anyhow::{Context as _, Result};
use camino::Utf8PathBuf;
use toml::Value;
use xtask_impact::process::Runner;
use xtask_impact::workspace::Workspace;
use xtask_impact::{quote, usage};

use super::CacheStore;
use super::change::{FileChange, text_of};
use super::edit::{TomlSetting, Wanted, is_edited, undone, with_settings};
use crate::compiler_cache::remote::{self, UrlParts};
use crate::compiler_cache::settings;

/// The changes of `cache setup`, with notes for the user.
#[derive(Debug)]
pub(super) struct SetupPlan {
    /// The changes.
    pub changes: Vec<FileChange>,
    /// The notes.
    pub notes: Vec<String>,
}

/// sccache's own default limit of the cache on the disk.
const SIZE: u64 = 10 << 30;

impl SetupPlan {
    /// Plans to set up a cache for a workspace.
    ///
    /// # Errors
    /// Returns an error if a value is wrong, or if a file cannot be read or edited.
    pub(super) fn new(
        runner: &Runner,
        workspace: &Workspace,
        store: &CacheStore,
        size: Option<u64>,
    ) -> Result<Self> {
        let (mut settings, notes) = store.settings()?;
        settings.push(match size {
            Some(size) => setting("cache.disk", "size", number(size)?),
            None => TomlSetting {
                table: "cache.disk",
                key: "size",
                value: Wanted::Default(number(SIZE)?),
            },
        });
        let files = files(runner, workspace)?;
        let policy = [
            setting("build", "rustc-wrapper", "sccache"),
            setting("build", "incremental", false),
        ];
        let mut changes = Vec::new();
        for (path, settings) in files.into_iter().zip([&policy[..], &settings]) {
            let before = text_of(&path)?;
            let after = with_settings(before.as_deref().unwrap_or_default(), settings)
                .map_err(|why| usage!("cannot edit {}: {why}", quote::name(&path)))?;
            changes.push(FileChange {
                path,
                before,
                after: Some(after),
            });
        }
        changes.retain(|it| it.before != it.after);
        Ok(Self { changes, notes })
    }

    /// Plans to remove the settings of `cache setup`.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub(super) fn of_unset(runner: &Runner, workspace: &Workspace) -> Result<Self> {
        let mut changes = Vec::new();
        for path in files(runner, workspace)? {
            let before = text_of(&path)?;
            if let Some(text) = before.filter(|text| is_edited(text)) {
                let after = undone(&text);
                changes.push(FileChange {
                    path,
                    before: Some(text),
                    after,
                });
            }
        }
        Ok(Self {
            changes,
            notes: Vec::new(),
        })
    }

    /// Returns the changes as text.
    pub(super) fn text(&self) -> String {
        self.changes.iter().map(FileChange::text).collect()
    }

    /// Makes the changes.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub(super) fn apply(&self) -> Result<()> {
        self.changes.iter().try_for_each(FileChange::apply)
    }
}

/// Returns cargo's configuration file of the workspace, and sccache's configuration file.
fn files(runner: &Runner, workspace: &Workspace) -> Result<[Utf8PathBuf; 2]> {
    let directory = workspace.root.join(".cargo");
    // Cargo prefers the name without a suffix if both exist.
    let names = ["config", "config.toml"].map(|name| directory.join(name));
    let [former, usual] = names;
    let policy = if former.exists() { former } else { usual };
    let variable = settings::variables(runner);
    let own = settings::file(&variable).context(
        "the place of sccache's configuration is unknown\nhint: set HOME or SCCACHE_CONF",
    )?;
    let own = Utf8PathBuf::from_path_buf(runner.directory().join(own))
        .map_err(|path| anyhow::anyhow!("{} is not UTF-8", path.display()))?;
    Ok([policy, own])
}

fn setting(table: &'static str, key: &'static str, value: impl Into<Value>) -> TomlSetting {
    let value = Wanted::Value(value.into());
    TomlSetting { table, key, value }
}

fn without(table: &'static str, key: &'static str) -> TomlSetting {
    TomlSetting {
        table,
        key,
        value: Wanted::Nothing,
    }
}

fn number(size: u64) -> Result<Value> {
    let size = i64::try_from(size).map_err(|_| usage!("--size is too large"))?;
    Ok(Value::Integer(size))
}

/// Reads a size: `20G`, `500M`, or bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let shift = match text[digits.len()..].trim_end_matches(['i', 'B', 'b']) {
        "" => 0,
        "K" | "k" => 10,
        "M" | "m" => 20,
        "G" | "g" => 30,
        "T" | "t" => 40,
        _ => return Err("write a size such as 20G or 500M".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "write a size such as 20G or 500M".to_owned())?;
    number
        .checked_shl(shift)
        .filter(|it| it >> shift == number && *it > 0)
        .ok_or_else(|| "the size is too large".to_owned())
}

impl CacheStore {
    /// Returns the settings of sccache's own configuration, and the notes about credentials.
    fn settings(&self) -> Result<(Vec<TomlSetting>, Vec<String>)> {
        let (mut settings, notes) = match self {
            Self::Local => (Vec::new(), Vec::new()),
            Self::Redis { url } => redis(url)?,
            Self::S3 {
                bucket,
                region,
                endpoint,
            } => s3(bucket, region.as_deref(), endpoint.as_deref())?,
            Self::Gcs { bucket } => (
                vec![
                    setting("cache.gcs", "bucket", filled("the bucket", bucket)?),
                    setting("cache.gcs", "key_prefix", ""),
                    setting("cache.gcs", "rw_mode", "READ_WRITE"),
                ],
                vec![
                    "credentials are not written: GOOGLE_APPLICATION_CREDENTIALS must name the \
                     file of a service account"
                        .to_owned(),
                ],
            ),
            Self::Gha => (
                vec![
                    setting("cache.gha", "enabled", true),
                    setting("cache.gha", "version", ""),
                ],
                vec![
                    "credentials are not written: ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN \
                     must be set in the job, see docs/cache.md"
                        .to_owned(),
                ],
            ),
        };
        let mut chain = vec![Value::from("disk")];
        chain.extend(self.level().map(Value::from));
        settings.push(setting("cache.multilevel", "chain", Value::Array(chain)));
        settings.push(setting("cache.multilevel", "write_error_policy", "ignore"));
        Ok((settings, notes))
    }

    /// Returns the name of the remote in sccache's chain.
    fn level(&self) -> Option<&'static str> {
        match self {
            Self::Local => None,
            Self::Redis { .. } => Some("redis"),
            Self::S3 { .. } => Some("s3"),
            Self::Gcs { .. } => Some("gcs"),
            Self::Gha => Some("gha"),
        }
    }
}

fn filled<'a>(what: &str, value: &'a str) -> Result<&'a str> {
    match value.trim().is_empty() {
        true => Err(usage!(
            "{what} is empty\nhint: check that the variable in your script is set"
        )),
        false => Ok(value),
    }
}

/// The settings of a remote, and the notes about its credentials.
type RemoteSettings = (Vec<TomlSetting>, Vec<String>);

fn redis(text: &str) -> Result<RemoteSettings> {
    let known = ["redis", "rediss", "tcp"];
    let parts = remote::url(text).filter(|it| known.contains(&it.scheme.as_str()));
    let wrong = || {
        usage!(
            "{} is not the URL of a Redis server\nhint: write it as redis://cache.example:6379 or \
             rediss://cache.example:6380/2",
            quote::name(text)
        )
    };
    let UrlParts {
        scheme,
        user,
        host,
        port,
        rest,
    } = parts.ok_or_else(wrong)?;
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    };
    let mut endpoint = format!("{scheme}://{host}:{}", port.unwrap_or(6379));
    let rest = match rest.strip_suffix("#insecure") {
        Some(rest) => {
            endpoint.push_str("#insecure");
            rest
        }
        None => &rest,
    };
    let rest = rest.trim_matches('/').trim_start_matches("?db=");
    let database = match rest {
        "" => None,
        number => Some(number.parse::<u32>().map_err(|_| wrong())?),
    };
    let mut settings = vec![
        setting("cache.redis", "endpoint", endpoint.clone()),
        without("cache.redis", "url"),
        without("cache.redis", "cluster_endpoints"),
    ];
    settings.extend(database.map(|number| setting("cache.redis", "db", i64::from(number))));
    let mut notes = vec![
        "if the server asks for a password, set SCCACHE_REDIS_USERNAME and \
         SCCACHE_REDIS_PASSWORD; sccache reads them only if SCCACHE_REDIS_ENDPOINT is set too"
            .to_owned(),
    ];
    if user.is_some() {
        notes = vec![format!(
            "the credentials of the URL are not written: set \
             SCCACHE_REDIS_ENDPOINT={endpoint}, SCCACHE_REDIS_USERNAME and SCCACHE_REDIS_PASSWORD"
        )];
    }
    Ok((settings, notes))
}

fn s3(bucket: &str, region: Option<&str>, endpoint: Option<&str>) -> Result<RemoteSettings> {
    let mut settings = vec![
        setting("cache.s3", "bucket", filled("the bucket", bucket)?),
        setting("cache.s3", "no_credentials", false),
    ];
    if let Some(url) = endpoint {
        let known = ["http", "https", ""];
        let parts = remote::url(url).filter(|it| known.contains(&it.scheme.as_str()));
        let parts = parts.filter(|it| it.user.is_none()).ok_or_else(|| {
            usage!(
                "--endpoint {} is not the URL of a server\nhint: write it as \
                 http://minio.example:9000, without credentials",
                quote::name(url)
            )
        })?;
        let is_ssl = parts.scheme != "http";
        settings.push(setting("cache.s3", "endpoint", url));
        settings.push(setting("cache.s3", "use_ssl", is_ssl));
    } else {
        settings.push(without("cache.s3", "endpoint"));
    }
    let region = region.or(endpoint.map(|_| "auto"));
    settings.extend(region.map(|region| setting("cache.s3", "region", region)));
    let notes = vec![
        "credentials are not written: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, \
         must be set"
            .to_owned(),
    ];
    Ok((settings, notes))
}

#[cfg(test)]
mod tests;
