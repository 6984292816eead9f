// Pages by the part of the address after `#`, which is never sent to a server or a log.
import { useSyncExternalStore } from "react";

const subscribe = (listener: () => void) => {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
};
const useHash = () => useSyncExternalStore(subscribe, () => window.location.hash);

export function useRoute(): string[] {
  const [path = ""] = useHash().split("?");
  return path.replace(/^#\/?/, "").split("/").filter(Boolean);
}

/** What a page is asked to show, such as filters: the part of its address after `?`. */
export function useAsked(): [URLSearchParams, (more: Record<string, string | undefined>) => void] {
  const [path = "", asked = ""] = useHash().split("?");
  const ask = (more: Record<string, string | undefined>) => {
    // As it is now, and not as it was when the page was drawn.
    const now = new URLSearchParams(window.location.hash.split("?")[1] ?? "");
    for (const [name, value] of Object.entries(more)) {
      if (value) now.set(name, value);
      else now.delete(name);
    }
    go(now.size > 0 ? `${path}?${now}` : path);
  };
  return [new URLSearchParams(asked), ask];
}

export function go(path: string) {
  window.location.hash = path;
}
