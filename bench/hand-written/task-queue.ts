export const HAND_WRITTEN = "hand-written";
