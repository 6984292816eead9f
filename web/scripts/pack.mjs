// Packs what the binary serves, once, so that no request has to.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = new URL("../dist/assets/", import.meta.url);
for (const name of readdirSync(folder)) {
  if (!/\.(js|css|svg)$/.test(name)) continue;
  const bytes = readFileSync(new URL(name, folder));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  writeFileSync(new URL(`${name}.br`, folder), brotliCompressSync(bytes, { params }));
  writeFileSync(new URL(`${name}.gz`, folder), gzipSync(bytes, { level: 9 }));
}
