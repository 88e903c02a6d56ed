import { validate } from "uuid";

/** An id as it is made here, and shown. For Temporal the same one in capital letters is another. */
export const isId = (text: string): boolean => validate(text) && text === text.toLowerCase();
