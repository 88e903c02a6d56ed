import { defaultPayloadConverter } from "@temporalio/common";
import type { temporal } from "@temporalio/proto";

type Event = temporal.api.history.v1.IHistoryEvent;

/** The type of the ordinary activity that an event schedules. */
export const activityOf = ({ activityTaskScheduledEventAttributes: scheduled }: Event) => scheduled?.activityType?.name;

/** The type of the local activity whose marker an event is. */
export function localActivityOf({ markerRecordedEventAttributes: marker }: Event) {
  const [data] = marker?.details?.data?.payloads ?? [];
  return data && defaultPayloadConverter.fromPayload<{ activity_type: string }>(data).activity_type;
}
