//! The overlays for Kubernetes are valid as they are rendered, and what they name is there.

use std::process::Command;

use serde_json::{Value, json};

use crate::deploy::common::{assert_valid, documents, has, list, read, repository, run, spool_of, text};

const OVERLAYS: [&str; 3] = ["dev", "production", "pair"];

/// What Kustomize makes of an overlay; `None` where there is no Kustomize.
fn rendered(overlay: &str) -> Option<Vec<Value>> {
    let folder = repository().join("deploy/kubernetes/overlays").join(overlay);
    if !has("kubectl") {
        return None;
    }
    Some(documents(&run(Command::new("kubectl").arg("kustomize").arg(folder))))
}

/// Every file of the folder but its kustomization, and what that names.
fn files_and_names(folder: &str) -> (Vec<String>, Value) {
    let entries = std::fs::read_dir(repository().join(folder)).expect("list the folder");
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("a name in UTF-8"));
    let files = names.filter(|name| name != "kustomization.yaml").collect();
    let kustomization = documents(&read(&format!("{folder}/kustomization.yaml"))).remove(0);
    (files, kustomization)
}

fn schema_of(kind: &str) -> Value {
    let mut schema: Value = serde_json::from_str(&read("tests/schemas/kubernetes.json")).expect("a schema");
    assert!(
        schema["kinds"].get(kind).is_some(),
        "tests/schemas/kubernetes.json has no {kind}"
    );
    schema["$ref"] = json!(format!("#/kinds/{kind}"));
    schema
}

fn of_kind<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = documents
        .iter()
        .find(|document| document["kind"] == kind && document["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn every_file_is_named_and_what_is_named_is_there() {
    for folder in ["base", "overlays/dev", "overlays/production", "overlays/pair"] {
        let folder = format!("deploy/kubernetes/{folder}");
        let (files, kustomization) = files_and_names(&folder);
        let generated = list(&kustomization, "/configMapGenerator")
            .iter()
            .flat_map(|map| list(map, "/files"));
        let patches = list(&kustomization, "/patches").iter().map(|patch| &patch["path"]);
        let named = list(&kustomization, "/resources")
            .iter()
            .chain(generated)
            .chain(patches);
        let named: Vec<&str> = named.filter_map(Value::as_str).collect();
        for name in &named {
            assert!(repository().join(&folder).join(name).exists(), "{folder} names {name}");
        }
        for file in files {
            assert!(named.contains(&file.as_str()), "{folder} does not name {file}");
        }
    }
}

#[test]
fn every_object_is_valid_under_the_schema_of_its_kind() {
    for overlay in OVERLAYS {
        for object in rendered(overlay).unwrap_or_default() {
            let kind = text(&object, "/kind");
            let name = format!("{overlay}: {kind} {}", text(&object, "/metadata/name"));
            assert_valid(&schema_of(kind), &object, &name);
        }
    }
    // Where nothing is rendered, what is read is looked at, at least.
    let (files, _) = files_and_names("deploy/kubernetes/base");
    for file in files {
        for object in documents(&read(&format!("deploy/kubernetes/base/{file}"))) {
            assert_valid(&schema_of(text(&object, "/kind")), &object, &file);
        }
    }
}

#[test]
fn the_engine_is_never_bound_twice_and_has_time_to_end() {
    let engine = documents(&read("deploy/kubernetes/base/deployment.yaml")).remove(0);
    assert_eq!(engine["spec"]["strategy"], json!({ "type": "Recreate" }));
    assert_eq!(engine["spec"]["replicas"], 1);
    let grace = &engine["spec"]["template"]["spec"]["terminationGracePeriodSeconds"];
    // engine.shutdown_timeout, unless a configuration says otherwise.
    assert!(grace.as_u64().expect("seconds") > 30);
}

#[test]
fn of_two_engines_one_ends_at_a_time_and_each_is_on_a_node_of_its_own() {
    let Some(objects) = rendered("pair") else { return };
    let engine = &of_kind(&objects, "Deployment", "campanile")["spec"];
    assert_eq!(engine["replicas"], 2);
    let rolling = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 0 } });
    assert_eq!(engine["strategy"], rolling);
    let apart = "/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0";
    let apart = engine.pointer(apart).expect("a rule that keeps them apart");
    assert_eq!(apart["topologyKey"], "kubernetes.io/hostname");
    assert_eq!(
        apart["labelSelector"]["matchLabels"],
        json!({ "app.kubernetes.io/component": "engine" })
    );
    let budget = of_kind(&objects, "PodDisruptionBudget", "campanile");
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    // Neither writes a file that the other would need.
    assert!(objects.iter().all(|object| object["kind"] != "PersistentVolumeClaim"));
    let configuration = objects.iter().find(|object| object["kind"] == "ConfigMap");
    let text = text(configuration.expect("a ConfigMap"), "/data/campanile.toml");
    assert!(
        text.contains("url = \"postgres://") && text.contains("key_file"),
        "{text}"
    );
}

#[test]
fn pods_are_restricted_and_find_their_volumes() {
    for overlay in OVERLAYS {
        let Some(objects) = rendered(overlay) else { return };
        let workloads = objects
            .iter()
            .filter(|object| object.pointer("/spec/template").is_some());
        for workload in workloads {
            let pod = &workload["spec"]["template"]["spec"];
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{pod}");
            assert_eq!(
                pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
                "{pod}"
            );
            assert_eq!(pod["automountServiceAccountToken"], false, "{pod}");
            for container in list(pod, "/containers") {
                let context = &container["securityContext"];
                assert_eq!(context["readOnlyRootFilesystem"], true, "{container}");
                assert_eq!(context["allowPrivilegeEscalation"], false, "{container}");
                assert_eq!(context["capabilities"]["drop"], json!(["ALL"]), "{container}");
                assert!(container.pointer("/resources/limits/memory").is_some(), "{container}");
                assert!(container["readinessProbe"].is_object(), "{container}");
            }
            let volumes = list(pod, "/volumes").iter();
            for map in volumes.clone().filter_map(|volume| volume.pointer("/configMap/name")) {
                of_kind(&objects, "ConfigMap", map.as_str().expect("a name"));
            }
            // In production, whoever installs it makes the Secret.
            for secret in volumes.filter_map(|volume| volume.pointer("/secret/secretName")) {
                let generated = objects.iter().any(|object| object["metadata"]["name"] == *secret);
                assert!(generated || overlay != "dev", "{overlay}: no Secret {secret}");
            }
        }
    }
}

/// A file that is sent to an engine is kept aside in a folder: the root of its image is read-only, and has no /tmp.
#[test]
fn every_engine_has_where_to_keep_a_file_that_is_imported() {
    for overlay in OVERLAYS {
        let Some(objects) = rendered(overlay) else { return };
        let pod = &of_kind(&objects, "Deployment", "campanile")["spec"]["template"]["spec"];
        let map = list(pod, "/volumes")
            .iter()
            .find_map(|volume| volume.pointer("/configMap/name"));
        let map = of_kind(&objects, "ConfigMap", map.and_then(Value::as_str).expect("a ConfigMap"));
        let folder = spool_of(text(map, "/data/campanile.toml"));
        let mounts = list(pod, "/containers/0/volumeMounts").iter();
        let mount = mounts
            .filter(|mount| mount["readOnly"] != true)
            .find(|mount| mount["mountPath"] == folder.as_str());
        let mount = mount.unwrap_or_else(|| panic!("{overlay}: nothing is mounted at {folder}"));
        let volume = list(pod, "/volumes")
            .iter()
            .find(|volume| volume["name"] == mount["name"]);
        let volume = volume.unwrap_or_else(|| panic!("{overlay}: no volume {}", mount["name"]));
        let sized = volume.pointer("/emptyDir/sizeLimit").is_some() || volume.get("persistentVolumeClaim").is_some();
        assert!(sized, "{overlay}: {volume} has no size");
    }
}

#[test]
fn services_reach_a_port_of_a_pod_and_the_admin_side_has_its_own() {
    for overlay in OVERLAYS {
        let Some(objects) = rendered(overlay) else { return };
        for service in objects.iter().filter(|object| object["kind"] == "Service") {
            let pods = objects.iter().filter_map(|object| object.pointer("/spec/template"));
            let selector = service["spec"]["selector"].as_object().expect("a selector");
            let selected = |pod: &Value| {
                selector
                    .iter()
                    .all(|(key, value)| pod["metadata"]["labels"][key] == *value)
            };
            let pods: Vec<&Value> = pods.filter(|pod| selected(pod)).collect();
            assert_eq!(pods.len(), 1, "{service}");
            for port in list(service, "/spec/ports") {
                let open = list(pods[0], "/spec/containers/0/ports");
                assert!(
                    open.iter().any(|open| open["name"] == port["targetPort"]),
                    "{port} of {service}"
                );
            }
        }
        let ports = |name: &str| {
            let service = of_kind(&objects, "Service", name);
            list(service, "/spec/ports")
                .iter()
                .map(|port| port["name"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(ports("campanile"), ["api"]);
        assert_eq!(ports("campanile-admin"), ["admin"]);
    }
}

/// The ports that a configuration names: of Redis, of PostgreSQL, of SMSCs.
fn ports_of(configuration: &str) -> Vec<u16> {
    let table: toml::Table = configuration.parse().expect("TOML");
    let named = |table: &str, key: &str, whole: &toml::Table| -> Option<String> {
        Some(whole.get(table)?.get(key)?.as_str()?.to_owned())
    };
    let smscs = table.get("smsc").and_then(toml::Value::as_array);
    let smscs = smscs
        .into_iter()
        .flatten()
        .filter_map(|smsc| smsc.get("address")?.as_str());
    let mut addresses: Vec<String> = smscs.map(str::to_owned).collect();
    addresses.extend(named("redis", "url", &table));
    addresses.extend(named("database", "url", &table));
    let ports = addresses.iter().map(|address| {
        let (_, port) = address.rsplit_once(':').expect("HOST:PORT");
        let digits = port.split('/').next().unwrap_or_default();
        digits.parse().unwrap_or_else(|_| panic!("no port in {address}"))
    });
    ports.collect()
}

#[test]
fn what_may_reach_the_engine_and_what_it_may_reach_is_said() {
    for overlay in OVERLAYS {
        let Some(objects) = rendered(overlay) else { return };
        let policy = of_kind(&objects, "NetworkPolicy", "campanile");
        assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        for direction in ["/spec/ingress", "/spec/egress"] {
            for rule in list(policy, direction) {
                let both = !(list(rule, "/ports").is_empty()
                    || list(rule, "/from").is_empty() && list(rule, "/to").is_empty());
                assert!(both, "{overlay}: who and where, in each rule: {rule}");
            }
        }
        let out: Vec<&Value> = list(policy, "/spec/egress")
            .iter()
            .flat_map(|rule| list(rule, "/ports"))
            .collect();
        let map = objects
            .iter()
            .find(|object| object.pointer("/data/campanile.toml").is_some());
        let configured = ports_of(text(map.expect("a configuration"), "/data/campanile.toml"));
        assert!(configured.len() >= 2, "{overlay}: Redis and an SMSC: {configured:?}");
        // Names; webhooks; traces.
        for port in [53, 443, 4318].into_iter().chain(configured) {
            assert!(
                out.iter().any(|open| open["port"] == port),
                "{overlay}: nothing goes to {port}"
            );
        }
        let is_of_webhooks = |rule: &&Value| list(rule, "/ports").iter().any(|open| open["port"] == 443);
        let rule = list(policy, "/spec/egress")
            .iter()
            .find(is_of_webhooks)
            .expect("a rule");
        for block in list(rule, "/to") {
            let left_out = list(block, "/ipBlock/except");
            assert!(
                !left_out.is_empty(),
                "{overlay}: webhooks reach what is private: {block}"
            );
        }
    }
}
