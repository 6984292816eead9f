//! Puts the files of the interface into the binary, where they have been built.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut code = String::from("static INDEX: Option<&str> = ");
    let index = dist.join("index.html");
    match index.exists() {
        true => writeln!(code, "Some(include_str!({:?}));", index.canonicalize()?)?,
        false => writeln!(code, "None;")?,
    }
    code.push_str("static FILES: &[File] = &[\n");
    let mut files: Vec<_> = match fs::read_dir(dist.join("assets")) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    files.sort();
    for file in &files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".br") || name.ends_with(".gz") {
            continue;
        }
        let packed = |ending: &str| {
            let packed = file.with_file_name(format!("{name}.{ending}"));
            match packed.canonicalize() {
                Ok(packed) => format!("Some(include_bytes!({packed:?}))"),
                Err(_) => "None".to_owned(),
            }
        };
        let plain = file.canonicalize()?;
        writeln!(
            code,
            "    File {{ name: {name:?}, plain: include_bytes!({plain:?}), br: {}, gzip: {} }},",
            packed("br"),
            packed("gz")
        )?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("interface.rs"), code)?;
    Ok(())
}
