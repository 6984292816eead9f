import { defineConfig } from "vite";

const ward = { target: "http://127.0.0.1:8080", changeOrigin: false };

// The binary serves `dist`; names carry a hash of the content, so that they can be cached for ever.
export default defineConfig({
  build: {
    target: "es2022", assetsInlineLimit: 0, modulePreload: false, chunkSizeWarningLimit: 900,
    // "use client" means nothing here, and thousands of lines of it hide what does.
    rolldownOptions: { onLog: (level, log, handler) => { if (log.code !== "MODULE_LEVEL_DIRECTIVE") handler(level, log); } },
  },
  // The name that the browser asked for is passed on: Ward refuses what comes from another site.
  server: { proxy: { "/api": ward, "/fhir": ward } },
});
