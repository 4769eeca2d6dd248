/** The guest of every scenario, and the name of its StubDomain. */
export const guestName = 'web';
