/** Why the API server could not start. The message says what to do. */
export class ApiServerStartError extends Error {
  readonly code: 'EPORTINUSE' | 'EKUBECONFIG' | 'EDATADIR' | 'EDATALOCKED' | 'EDATACORRUPT' | 'ELISTEN' | 'ECRD';

  constructor(code: ApiServerStartError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiServerStartError';
    this.code = code;
  }
}
