import { validate } from "uuid";

/** Whether the text is an id as we make and show them: in lower case, because to Temporal the same in capitals is another id. */
export const isId = (text: string): boolean => validate(text) && text === text.toLowerCase();
