/** Something outside the program failed. Carries a stable code for operators and the cause. */
export class AppError extends Error {
  override readonly name: string = "AppError";
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A host cannot do what was asked of it: a missing privilege, a port in use, an option it lacks.
 */
export class PlatformError extends AppError {
  override readonly name = "PlatformError";
}
