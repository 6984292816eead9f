//! Settings as text: as they stand, and as a page of docs/.

use std::fmt::Write as _;

use super::{
    layers::{Settings, full, variable},
    sections::Config,
};

/// The settings as they stand, as a settings file, each with where it comes from.
///
/// No setting is a secret: secrets are named by path, and a root key in the environment is none.
pub fn print(settings: &Settings) -> String {
    let mut page = String::new();
    for section in settings.config.sections() {
        if !section.key().is_empty() {
            line(&mut page, &format!("\n[{}]", section.key()));
        }
        for setting in section.settings() {
            let origin = settings.origin(section.key(), setting.name);
            line(
                &mut page,
                &match setting.value {
                    Some(value) => format!("{} = {value} # {origin}", setting.name),
                    None => format!("# {} is not set", setting.name),
                },
            );
        }
    }
    page
}

/// docs/config.md.
pub fn page() -> String {
    let mut page = String::from(
        "# Configuration\n\nGenerated from the settings by `ward docs config`; a test compares.\n\n\
         Nothing has to be configured. A setting is taken from the first of these that has it:\n\n\
         1. the command line, where the command has an option for it;\n\
         2. the environment: `WARD_` and the setting's name in capitals;\n\
         3. the file named by `--config` or `WARD_CONFIG`, else `ward.toml` in the data folder;\n\
         4. the default below.\n\n\
         A name that is not known is an error that says where it stands. A path in a file starts \
         at the file's folder. Secrets are never settings: a settings file names the file that \
         holds one. The root key may also come from the environment variable `WARD_ROOT_KEY`.\n\n\
         `ward config print` shows every setting as it stands and where it comes from. \
         `ward config check` also looks whether what they name can be used: folders, permissions \
         of the key file, certificates and when they end, addresses.\n\n\
         ```toml\n[http]\naddress = \"0.0.0.0:8443\"\ntls_cert = \"tls/ward.pem\"\n\
         tls_key = \"tls/ward.key\"\n\n[log]\nformat = \"json\"\n\n[audit]\n\
         checkpoint_dir = \"/mnt/write-once/ward\"\n```\n",
    );
    for section in Config::default().sections() {
        let title = match section.key() {
            "" => "Before the first table".to_owned(),
            key => format!("`[{key}]`"),
        };
        line(&mut page, &format!("\n## {title}\n\n{}\n", section.about().trim()));
        line(&mut page, "| setting | what | kind | default | environment |");
        line(&mut page, "|---|---|---|---|---|");
        for setting in section.settings() {
            let default = setting.value.map_or("-".to_owned(), |value| format!("`{value}`"));
            line(
                &mut page,
                &format!(
                    "| `{}` | {} | {} | {default} | `{}` |",
                    full(section.key(), setting.name),
                    setting.doc.trim(),
                    setting.kind,
                    variable(section.key(), setting.name)
                ),
            );
        }
    }
    page
}

fn line(page: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ok = writeln!(page, "{text}");
}
