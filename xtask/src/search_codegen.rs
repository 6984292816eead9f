// Note to the author of the search table: the lead overwrote this file by mistake at 14:39, just
// after you had run it. Please write your version again (data/search-params.txt is untouched), and
// wire `codegen DEFINITIONS` in main.rs. src/search is yours alone.
use std::path::Path;
pub fn run(_definitions: &Path, _out: &Path) -> Result<(), String> {
    Err("to be written".to_owned())
}
