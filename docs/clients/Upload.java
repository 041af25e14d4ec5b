// Upload a file with HttpURLConnection, with BULK_IMPORT_TOKEN set:
// java -cp /usr/share/java/gson.jar Upload.java ADDRESS CLIENT FILE [NOTES]

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;

public class Upload {
    static final Set<Integer> LATER = Set.of(408, 429, 502, 503, 504);

    static HttpURLConnection open(URL url, String key) throws IOException {
        var connection = (HttpURLConnection) url.openConnection();
        connection.setRequestMethod("POST");
        connection.setRequestProperty("Accept", "application/json");
        connection.setRequestProperty("Authorization", "Bearer " + System.getenv("BULK_IMPORT_TOKEN"));
        connection.setRequestProperty("Idempotency-Key", key);
        connection.setReadTimeout(60_000);
        return connection;
    }

    static HttpURLConnection send(URL url, Path file, String notes, String key) throws IOException {
        String boundary = UUID.randomUUID().toString();
        String part = "--" + boundary + "\r\nContent-Disposition: form-data; name=";
        String name = file.getFileName().toString().replace("\"", "%22");
        byte[] head = (part + "\"notes\"\r\n\r\n" + notes + "\r\n"
                + part + "\"file\"; filename=\"" + name + "\"\r\n\r\n").getBytes(UTF_8);
        byte[] tail = ("\r\n--" + boundary + "--\r\n").getBytes(UTF_8);
        HttpURLConnection connection = open(url, key);
        connection.setRequestProperty("Content-Type", "multipart/form-data; boundary=" + boundary);
        connection.setDoOutput(true);
        // Without this, HttpURLConnection keeps the whole body in memory.
        connection.setFixedLengthStreamingMode(head.length + Files.size(file) + tail.length);
        try (OutputStream body = connection.getOutputStream()) {
            body.write(head);
            Files.copy(file, body);
            body.write(tail);
        }
        // For a streamed request, HttpURLConnection discards the body of a 401; repeat it without a body.
        return connection.getResponseCode() == 401 ? open(url, key) : connection;
    }

    static String text(HttpURLConnection connection) throws IOException {
        boolean error = connection.getResponseCode() >= 400;
        try (InputStream body = error ? connection.getErrorStream() : connection.getInputStream()) {
            return new String(body.readAllBytes(), UTF_8);
        }
    }

    /** Prints the outcome of each project; throws if the response was cut off. */
    static int report(int status, String text) {
        boolean known = status == 207 || status == 409;
        JsonObject answer = known ? JsonParser.parseString(text).getAsJsonObject() : new JsonObject();
        JsonObject details = status == 207 ? answer.getAsJsonObject("details") : answer;
        JsonArray errors = details.getAsJsonArray("errors");
        if (errors == null) {
            System.err.println("refused with " + status + ": " + text);
            return 2;
        }
        if (status == 207 && !answer.has("complete")) {
            throw new JsonParseException("the response was cut off");
        }
        if (status == 207) {
            for (JsonElement item : details.getAsJsonArray("successes")) {
                System.out.printf("%s %s %s%n", of(item, "outcome"), of(item, "external_id"), of(item, "name"));
            }
        }
        for (JsonElement item : errors) {
            String called = of(item, "external_id").equals("-") ? of(item, "file") : of(item, "external_id");
            System.out.printf("failed %s, line %s: %s, %s%n",
                    called, of(item, "line"), of(item, "error"), of(item, "message"));
        }
        System.out.println(of(answer, "message"));
        return errors.isEmpty() ? 0 : 1;
    }

    static String of(JsonElement item, String name) {
        JsonElement value = item.getAsJsonObject().get(name);
        return value.isJsonNull() ? "-" : value.getAsString();
    }

    static int upload(URL url, Path file, String notes) throws InterruptedException {
        String key = UUID.randomUUID().toString();
        int wait = 0;
        for (int pause : new int[] {1, 2, 4, 8, 16, 32}) {
            Thread.sleep(wait * 1000L);
            wait = pause;
            try {
                HttpURLConnection connection = send(url, file, notes, key);
                int status = connection.getResponseCode();
                String text = text(connection);
                String later = connection.getHeaderField("Retry-After");
                if (later == null && !LATER.contains(status)) {
                    return report(status, text);
                }
                System.err.println(status + " " + text);
                wait = later == null ? pause : Integer.parseInt(later);
            } catch (IOException | JsonParseException | NumberFormatException e) {
                System.err.println(e);
            }
        }
        return 2;
    }

    public static void main(String[] args) throws Exception {
        String token = System.getenv("BULK_IMPORT_TOKEN");
        if (args.length < 3 || token == null || token.isEmpty()) {
            System.err.println("usage: Upload.java ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN");
            System.exit(2);
        }
        Path file = Path.of(args[2]);
        if (!Files.isReadable(file)) {
            System.err.println(file + " cannot be read");
            System.exit(2);
        }
        URL url = URI.create(args[0] + "/api/v2/clients/" + args[1] + "/projects/bulk").toURL();
        System.exit(upload(url, file, args.length > 3 ? args[3] : ""));
    }
}
