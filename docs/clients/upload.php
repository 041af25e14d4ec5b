<?php
// Upload a file with Guzzle: php upload.php ADDRESS CLIENT FILE [NOTES], with BULK_IMPORT_TOKEN set.

use GuzzleHttp\Client;
use GuzzleHttp\Exception\GuzzleException;
use GuzzleHttp\Psr7\Utils;
use Psr\Http\Message\ResponseInterface;

$composer = __DIR__ . '/vendor/autoload.php';
require is_file($composer) ? $composer : 'GuzzleHttp/autoload.php'; // the second path is Debian's

const LATER = [408, 429, 502, 503, 504];

function send(string $url, string $path, string $notes, string $key): ResponseInterface
{
    return (new Client())->post($url, [
        'headers' => [ // no Content-Type: Guzzle sets it with the boundary
            'Accept' => 'application/json',
            'Authorization' => 'Bearer ' . getenv('BULK_IMPORT_TOKEN'),
            'Idempotency-Key' => $key,
        ],
        'multipart' => [
            ['name' => 'notes', 'contents' => $notes],
            ['name' => 'file', 'contents' => Utils::tryFopen($path, 'r')], // once for each file
        ],
        'http_errors' => false, // return 4xx and 5xx, because their body has the reason
    ]);
}

/** Print the outcome of each project. Throws JsonException if the response was cut off. */
function report(int $status, string $text): int
{
    $known = $status === 207 || $status === 409;
    $answer = $known ? json_decode($text, true, flags: JSON_THROW_ON_ERROR) : [];
    $errors = $status === 207 ? $answer['details']['errors'] : $answer['errors'] ?? null;
    if ($errors === null) {
        fwrite(STDERR, "refused with $status: $text\n");
        return 2;
    }
    if ($status === 207 && ($answer['complete'] ?? false) !== true) {
        throw new JsonException('the response was cut off');
    }
    foreach ($status === 207 ? $answer['details']['successes'] : [] as $item) {
        echo "{$item['outcome']} {$item['external_id']} {$item['name']}\n";
    }
    foreach ($errors as $item) {
        $called = $item['external_id'] ?? $item['file'] ?? '-';
        echo "failed $called, line {$item['line']}: {$item['error']}, {$item['message']}\n";
    }
    echo "{$answer['message']}\n";
    return $errors ? 1 : 0;
}

function upload(string $url, string $path, string $notes): int
{
    $key = bin2hex(random_bytes(16));
    $wait = 0;
    foreach ([1, 2, 4, 8, 16, 32] as $pause) {
        sleep($wait);
        $wait = $pause;
        try {
            $response = send($url, $path, $notes, $key);
            $status = $response->getStatusCode();
            $text = (string) $response->getBody();
            $later = $response->getHeaderLine('Retry-After');
            if ($later === '' && !in_array($status, LATER)) {
                return report($status, $text);
            }
            fwrite(STDERR, "$status $text\n");
            $wait = (int) $later ?: $pause;
        } catch (GuzzleException | JsonException $error) {
            fwrite(STDERR, "{$error->getMessage()}\n");
        }
    }
    return 2;
}

if ($argc < 4 || !getenv('BULK_IMPORT_TOKEN')) {
    fwrite(STDERR, "usage: upload.php ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN\n");
    exit(2);
}
[, $address, $client, $path] = $argv;
if (!is_readable($path)) {
    fwrite(STDERR, "$path cannot be read\n");
    exit(2);
}
exit(upload("$address/api/v2/clients/$client/projects/bulk", $path, $argv[4] ?? ''));
