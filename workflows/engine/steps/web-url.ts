/** That a browser may be sent to. */
export const isWebUrl = (text: string): boolean => URL.canParse(text) && /^https?:/i.test(text);
