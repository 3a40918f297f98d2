use super::*;
use crate::compiler_cache::ping::Protocol;

fn read(file: &str, variables: &[(&str, &str)]) -> CacheSettings {
    let variable = |name: &str| {
        let found = variables.iter().find(|it| it.0 == name);
        found.map(|it| it.1.to_owned())
    };
    CacheSettings::read(&file.parse().unwrap(), &variable)
}

fn shown(file: &str, variables: &[(&str, &str)]) -> String {
    let of = |remote: &Remote| {
        let protocol = remote.endpoints.iter().map(|it| match &it.protocol {
            Protocol::Redis { user, password } => format!("redis {user:?} {password:?}"),
            Protocol::Http => "http".to_owned(),
            Protocol::Tls => "tls".to_owned(),
        });
        let protocol: Vec<_> = protocol.collect();
        format!("{} ({})", remote.name, protocol.join(", "))
    };
    let settings = read(file, variables);
    settings
        .remotes
        .iter()
        .map(of)
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn remotes_are_found_as_sccache_finds_them() {
    for (file, variables, expected) in [
        ("", &[][..], ""),
        (
            "[cache.redis]\nendpoint = 'redis://10.0.0.1'",
            &[],
            "redis 10.0.0.1:6379 (redis None None)",
        ),
        (
            "[cache.redis]\nendpoint = 'rediss://u:p%40q@r.example:7000/2'",
            &[],
            "redis r.example:7000 (tls)",
        ),
        (
            "[cache.redis]\nurl = 'redis://:p%40q@[::1]:7000/?db=1'",
            &[],
            "redis [::1]:7000 (redis None Some(\"p@q\"))",
        ),
        // Variables replace the whole table, so that its password does not count.
        (
            "[cache.redis]\nendpoint = 'redis://a'\npassword = 'x'",
            &[("SCCACHE_REDIS_ENDPOINT", "tcp://b:1")],
            "redis b:1 (redis None None)",
        ),
        (
            "",
            &[
                ("SCCACHE_REDIS_CLUSTER_ENDPOINTS", "redis://a:1,redis://b:2"),
                ("SCCACHE_REDIS_USERNAME", "u"),
                ("SCCACHE_REDIS_PASSWORD", "p"),
            ],
            "redis a:1 b:2 (redis Some(\"u\") Some(\"p\"), redis Some(\"u\") Some(\"p\"))",
        ),
        (
            "[cache.redis]\nendpoint = 'unix:///run/redis.sock'",
            &[],
            "redis ()",
        ),
        (
            "[cache.s3]\nbucket = 'team'\nregion = 'eu-west-1'",
            &[],
            "s3 team s3.eu-west-1.amazonaws.com:443 (tls)",
        ),
        (
            "",
            &[
                ("SCCACHE_BUCKET", "team"),
                ("SCCACHE_ENDPOINT", "minio:9000"),
            ],
            "s3 team minio:9000 (http)",
        ),
        (
            "[cache.s3]\nbucket = 'team'\nendpoint = 'minio:9000'\nuse_ssl = true",
            &[],
            "s3 team minio:9000 (tls)",
        ),
        (
            "[cache.gcs]\nbucket = 'b'",
            &[],
            "gcs b storage.googleapis.com:443 (tls)",
        ),
        (
            "",
            &[
                ("SCCACHE_GHA_ENABLED", "on"),
                ("ACTIONS_RESULTS_URL", "https://results.example/x/"),
            ],
            "gha results.example:443 (tls)",
        ),
        ("[cache.memcached]\nurl = 'm'", &[], "memcached ()"),
        // A chain names the levels, in its order; a level that is not set is still a level.
        (
            "[cache.multilevel]\nchain = ['disk', 'redis', 's3']\n[cache.s3]\nbucket='t'\nendpoint='http://h'\n",
            &[],
            "redis (); s3 t h:80 (http)",
        ),
        (
            "[cache.redis]\nendpoint='redis://a'\n[cache.multilevel]\nchain = ['disk']",
            &[],
            "",
        ),
        (
            "[cache.redis]\nendpoint='redis://a'",
            &[("SCCACHE_MULTILEVEL_CHAIN", "disk, redis")],
            "redis a:6379 (redis None None)",
        ),
    ] {
        assert_eq!(shown(file, variables), expected, "{file} {variables:?}");
    }
}

#[test]
fn the_disk_alone_keeps_directory_and_size() {
    let file = "[cache.disk]\ndir = '/var/c'\nsize = 10\n[cache.redis]\nendpoint='redis://a'";
    assert_eq!(
        read(file, &[]).disk_alone(),
        "[cache.disk]\ndir = \"/var/c\"\nsize = 10\n"
    );
    let variables = [("SCCACHE_DIR", "/d"), ("SCCACHE_CACHE_SIZE", "2G")];
    assert_eq!(
        read(file, &variables).disk_alone(),
        "[cache.disk]\ndir = \"/d\"\nsize = \"2G\"\n"
    );
    assert_eq!(read("", &[]).disk_alone(), "[cache.disk]\n");
}
