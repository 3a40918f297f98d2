use super::*;

fn written(store: &CacheStore) -> String {
    match store.settings() {
        Ok((settings, notes)) => {
            let text = with_settings("", &settings).unwrap();
            let lines = text.lines().map(|line| line.split(" #").next().unwrap());
            let lines: Vec<_> = lines.skip(1).collect();
            assert!(!text.contains("secret"), "{text}");
            format!("{}\nnote: {}\n", lines.join("\n"), notes.join("; "))
        }
        Err(error) => format!("{error}\n"),
    }
}

#[test]
fn each_store_is_a_chain_from_the_disk_to_the_remote() {
    let s3 = |endpoint: Option<&str>| CacheStore::S3 {
        bucket: "team".to_owned(),
        region: None,
        endpoint: endpoint.map(str::to_owned),
    };
    let redis = |url: &str| CacheStore::Redis {
        url: url.to_owned(),
    };
    let stores = [
        CacheStore::Local,
        redis("redis://cache.example"),
        redis("rediss://me:secret@[::1]:7000/2#insecure"),
        redis("http://cache.example"),
        redis("redis://h/name"),
        s3(None),
        s3(Some("http://127.0.0.1:9000")),
        s3(Some("http://me:secret@h")),
        CacheStore::Gcs {
            bucket: " ".to_owned(),
        },
        CacheStore::Gha,
    ];
    let shown: Vec<_> = stores.iter().map(written).collect();
    expect_test::expect![[r#"
        [cache.multilevel]
        chain = ["disk"]
        write_error_policy = "ignore"
        note: 

        [cache.redis]
        endpoint = "redis://cache.example:6379"
        [cache.multilevel]
        chain = ["disk", "redis"]
        write_error_policy = "ignore"
        note: if the server asks for a password, set SCCACHE_REDIS_USERNAME and SCCACHE_REDIS_PASSWORD; sccache reads them only if SCCACHE_REDIS_ENDPOINT is set too

        [cache.redis]
        endpoint = "rediss://[::1]:7000#insecure"
        db = 2
        [cache.multilevel]
        chain = ["disk", "redis"]
        write_error_policy = "ignore"
        note: the credentials of the URL are not written: set SCCACHE_REDIS_ENDPOINT=rediss://[::1]:7000#insecure, SCCACHE_REDIS_USERNAME and SCCACHE_REDIS_PASSWORD

        http://cache.example is not the URL of a Redis server
        hint: write it as redis://cache.example:6379 or rediss://cache.example:6380/2

        redis://h/name is not the URL of a Redis server
        hint: write it as redis://cache.example:6379 or rediss://cache.example:6380/2

        [cache.s3]
        bucket = "team"
        no_credentials = false
        [cache.multilevel]
        chain = ["disk", "s3"]
        write_error_policy = "ignore"
        note: credentials are not written: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, must be set

        [cache.s3]
        bucket = "team"
        no_credentials = false
        endpoint = "http://127.0.0.1:9000"
        use_ssl = false
        region = "auto"
        [cache.multilevel]
        chain = ["disk", "s3"]
        write_error_policy = "ignore"
        note: credentials are not written: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, must be set

        --endpoint http://me:secret@h is not the URL of a server
        hint: write it as http://minio.example:9000, without credentials

        the bucket is empty
        hint: check that the variable in your script is set

        [cache.gha]
        enabled = true
        version = ""
        [cache.multilevel]
        chain = ["disk", "gha"]
        write_error_policy = "ignore"
        note: credentials are not written: ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN must be set in the job, see docs/cache.md
    "#]].assert_eq(&shown.join("\n"));
}

#[test]
fn sizes_are_read() {
    for (text, expected) in [
        ("20G", Some(20 << 30)),
        ("500MiB", Some(500 << 20)),
        ("17", Some(17)),
        ("0", None),
        ("G", None),
        ("9999999999T", None),
        ("1X", None),
    ] {
        assert_eq!(size(text).ok(), expected, "{text}");
    }
}
