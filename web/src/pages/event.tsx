import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { get } from "../api";
import { go } from "../route";
import { Failed, Waiting } from "./parts";

/** Where a notification points: on to what it was about, for whoever may see it. */
export function EventPage({ id }: { id: string }) {
  const about = useQuery({ queryKey: ["event", id], queryFn: () => get<{ record: string; patient?: string }>(`/api/events/${id}`) });
  useEffect(() => {
    if (!about.data) return;
    go(about.data.patient ? `/patient/${about.data.patient}` : "/");
  }, [about.data]);
  if (about.error) return <Failed error={about.error} />;
  return <Waiting />;
}
